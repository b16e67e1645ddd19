import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileStore } from '../../../../src/data/file-store/file-store.ts';

describe.each([{ isPatient: false }, { isPatient: true }])('FileStore $isPatient', (options) => {
  const store = new FileStore(options);
  let folder: string;
  const key = (name: string): string => join(folder, name).slice(1);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'prescore-file-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const listed = async (prefix = ''): Promise<string[]> =>
    (await Array.fromAsync(store.list(`${folder.slice(1)}/${prefix}`))).map((info) => info.key.slice(folder.length));

  it('lists in byte order of whole keys, hidden files too', async () => {
    const names = ['a.b', 'a-b', 'a/b', 'a0', 'a/.hidden', '.top', 'B', '\u{1f389}', '\uffe0'];
    for (const name of names) await store.put(key(name), new Uint8Array(1));
    const sorted = names.map((n) => Buffer.from(n)).sort(Buffer.compare);
    expect(await listed()).toEqual(sorted.map(String));
  });

  it('follows links, but never in a circle', async () => {
    await store.put(key('data/real/file'), new Uint8Array(1));
    await symlink(join(folder, 'data/real'), join(folder, 'data/linked'));
    await symlink('real/file', join(folder, 'data/linked-file'));
    await symlink('nowhere', join(folder, 'data/dangling'));
    await symlink('itself', join(folder, 'data/itself'));
    await symlink('..', join(folder, 'data/real/up'));
    await symlink('/', join(folder, 'data/root'));
    expect(await listed('data/')).toEqual(['data/linked/file', 'data/linked-file', 'data/real/file'].sort());
  });

  it('sees neither folders nor pipes as objects', async () => {
    await mkdir(join(folder, 'sub'));
    expect(await store.head(key('sub'))).toBeNull();
    expect(await store.get(key('sub'))).toBeNull();
    expect(await store.get(key('file/below'))).toBeNull();
    await expect(store.put(key('sub'), new Uint8Array(1))).rejects.toMatchObject({ code: 'STORE_CONFIG' });
    expect(await readdir(folder)).toEqual(['sub']);
  });

  it('says which part of a path is in the way', async () => {
    await store.put(key('file'), new Uint8Array(1));
    await expect(store.put(key('file/below'), new Uint8Array(1))).rejects.toMatchObject({ code: 'STORE_CONFIG' });
    expect(await store.head(key('file/below'))).toBeNull();
    await expect(store.put(key('n'.repeat(300)), new Uint8Array(1))).rejects.toMatchObject({ code: 'URI_INVALID' });
  });

  it('notices a file that is rewritten or cut in place', async () => {
    await store.put(key('input'), new Uint8Array(100));
    const { etag } = (await store.head(key('input')))!;
    await truncate(join(folder, 'input'), 50);
    const read = store.readRange(key('input'), { offset: 60, length: 10 }, etag, new Uint8Array(10));
    await expect(read).rejects.toMatchObject({ code: 'INPUT_CHANGED' });
  });

  it('keeps the waiting folder until its last part is placed', async () => {
    const bytes = Buffer.from('part');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const parts = await Promise.all(
      ['out/a.parquet', 'out/b.parquet'].map(async (name) => {
        const path = await store.stagingPath(key(name), 'run.1');
        expect(dirname(path)).toBe(join(folder, 'out/.prescore-run.1'));
        await writeFile(path, bytes);
        return { name, staged: await store.stage(key(name), { path, size: 4, sha256, runId: 'run.1' }) };
      }),
    );
    expect(await store.completeStaged(key('out/a.parquet'), parts[0]!.staged)).toBe('completed');
    await access(join(folder, 'out/.prescore-run.1'));
    await store.abortStaged(key('out/b.parquet'), parts[1]!.staged);
    expect(await readdir(join(folder, 'out'))).toEqual(['a.parquet']);
  });

  it('takes a part from elsewhere by copying it', async () => {
    const [path, bytes] = [join(folder, 'scratch'), Buffer.from('elsewhere')];
    await writeFile(path, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const staged = await store.stage(key('out/part.parquet'), { path, size: 9, sha256, runId: 'run.1' });
    await rm(path);
    expect(await store.completeStaged(key('out/part.parquet'), staged)).toBe('completed');
    expect(await readFile(join(folder, 'out/part.parquet'), 'utf8')).toBe('elsewhere');
  });

  it('does not place a waiting part that lost bytes', async () => {
    const path = await store.stagingPath(key('part.parquet'), 'run.1');
    await writeFile(path, 'whole');
    const staged = await store.stage(key('part.parquet'), { path, size: 5, sha256: 'any', runId: 'run.1' });
    await truncate(path, 3);
    expect(await store.completeStaged(key('part.parquet'), staged)).toBe('gone');
  });

  it('refuses run ids that are no folder names', async () => {
    await expect(store.stagingPath(key('part'), '../up')).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});
