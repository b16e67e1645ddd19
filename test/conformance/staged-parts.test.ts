import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalPart, ObjectStore, StagedPart } from '../../src/base/contract/object-store.ts';
import { ADAPTERS, type TestStore } from '../harness/store-adapters.ts';

const RUN = 'flights.0a1b2c3d.none.1';

describe.each(ADAPTERS)('staged parts: $name', ({ open }) => {
  let place: TestStore;
  let store: ObjectStore;
  let scratch: string;
  const key = (suffix: string): string => `${place.root}${suffix}/part-00000-${RUN}.parquet`;

  beforeAll(async () => {
    place = await open('parts');
    store = place.store;
    scratch = await mkdtemp(join(tmpdir(), 'prescore-scratch-'));
  });
  afterAll(async () => {
    await place.close();
    await rm(scratch, { recursive: true, force: true });
  });

  async function writePart(target: string, bytes: Uint8Array, runId = RUN): Promise<LocalPart> {
    const path = (await store.stagingPath(target, runId)) ?? join(scratch, randomBytes(8).toString('hex'));
    expect(path.endsWith('.parquet')).toBe(false);
    await writeFile(path, bytes, { flag: 'wx' });
    return { path, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), runId };
  }

  async function stage(target: string, bytes: Uint8Array, runId = RUN): Promise<StagedPart> {
    const staged = await store.stage(target, await writePart(target, bytes, runId));
    // It is kept in a record, so it must survive as JSON.
    const copy: StagedPart = JSON.parse(JSON.stringify(staged));
    return copy;
  }

  const visible = async (folder: string): Promise<string[]> =>
    (await Array.fromAsync(store.list(`${place.root}${folder}/`)))
      .map((i) => i.key)
      .filter((k) => k.endsWith('.parquet'));

  it('stay invisible until they are completed, by anyone, twice if need be', async () => {
    const bytes = randomBytes(10_000);
    const staged = await stage(key('plain'), bytes);
    expect(await visible('plain')).toEqual([]);
    expect(await store.head(key('plain'))).toBeNull();
    expect(await place.waiting()).toBe(1);
    expect(await place.other.completeStaged(key('plain'), staged)).toBe('completed');
    expect(await visible('plain')).toEqual([key('plain')]);
    expect(Buffer.from((await store.get(key('plain')))!.bytes).equals(bytes)).toBe(true);
    expect(await store.completeStaged(key('plain'), staged)).toBe('completed');
    expect(await place.waiting()).toBe(0);
    await store.abortStaged(key('plain'), staged);
    expect((await store.head(key('plain')))?.size).toBe(10_000);
  });

  it('may be completed from two sides at once', async () => {
    const staged = await stage(key('both'), randomBytes(100));
    const sides = [store, place.other].map((side) => side.completeStaged(key('both'), staged));
    expect(await Promise.all(sides)).toEqual(['completed', 'completed']);
    expect(await place.waiting()).toBe(0);
  });

  it('may have no bytes', async () => {
    const staged = await stage(key('empty'), new Uint8Array(0));
    expect(await store.completeStaged(key('empty'), staged)).toBe('completed');
    expect((await store.head(key('empty')))?.size).toBe(0);
    expect(await store.completeStaged(key('empty'), staged)).toBe('completed');
  });

  it('may be large', async () => {
    const bytes = randomBytes(20 * 2 ** 20 + 5);
    const staged = await stage(key('large'), bytes);
    if (staged.kind === 's3') expect(staged.etags).toHaveLength(3);
    expect(await store.completeStaged(key('large'), staged)).toBe('completed');
    const { size, etag } = (await store.head(key('large')))!;
    const back = new Uint8Array(size);
    await store.readRange(key('large'), { offset: 0, length: size }, etag, back);
    expect(createHash('sha256').update(back).digest('hex')).toBe(staged.sha256);
  });

  it('are gone after an abort', async () => {
    const staged = await stage(key('aborted'), randomBytes(100));
    await store.abortStaged(key('aborted'), staged);
    await store.abortStaged(key('aborted'), staged);
    expect(await place.waiting()).toBe(0);
    expect(await store.completeStaged(key('aborted'), staged)).toBe('gone');
    expect(await visible('aborted')).toEqual([]);
  });

  it('do not replace other bytes', async () => {
    const [first, second] = [randomBytes(100), randomBytes(100)];
    const staged = [await stage(key('other'), first), await stage(key('other'), second)];
    expect(await store.completeStaged(key('other'), staged[0]!)).toBe('completed');
    await expect(store.completeStaged(key('other'), staged[1]!)).rejects.toMatchObject({ code: 'NONDETERMINISTIC' });
    expect(Buffer.from((await store.get(key('other')))!.bytes).equals(first)).toBe(true);
    const longer = await stage(key('other'), randomBytes(101));
    await expect(store.completeStaged(key('other'), longer)).rejects.toMatchObject({ code: 'NONDETERMINISTIC' });
    for (const part of [staged[1]!, longer]) await store.abortStaged(key('other'), part);
    // After an abort the other bytes are still in the way.
    await expect(store.completeStaged(key('other'), longer)).rejects.toMatchObject({ code: 'NONDETERMINISTIC' });
  });

  it('count as completed when another attempt wrote the same bytes, with or without our metadata', async () => {
    const bytes = randomBytes(100);
    const staged = [await stage(key('same'), bytes), await stage(key('same'), bytes)];
    for (const part of staged) expect(await store.completeStaged(key('same'), part)).toBe('completed');
    await store.put(key('copied'), bytes);
    expect(await store.completeStaged(key('copied'), await stage(key('copied'), bytes))).toBe('completed');
    await store.put(key('forged'), randomBytes(100));
    const forged = await stage(key('forged'), bytes);
    await expect(store.completeStaged(key('forged'), forged)).rejects.toMatchObject({ code: 'NONDETERMINISTIC' });
    await store.abortStaged(key('forged'), forged);
    expect(await place.waiting()).toBe(0);
  });

  it('are dropped by run, and only by their own', async () => {
    const other = `${RUN}0`;
    const mine = await stage(key('drop/deep'), randomBytes(10));
    const foreignKey = `${place.root}drop/deep/part-00001-${other}.parquet`;
    const foreign = await stage(foreignKey, randomBytes(10), other);
    expect(await store.hasStaged(`${place.root}drop/`, RUN)).toBe(true);
    expect(await store.hasStaged(`${place.root}elsewhere/`, RUN)).toBe(false);
    await store.dropStaged(`${place.root}drop/`, RUN);
    await store.dropStaged(`${place.root}drop/`, RUN);
    expect(await store.hasStaged(`${place.root}drop/`, RUN)).toBe(false);
    expect(await store.hasStaged(`${place.root}drop/`, other)).toBe(true);
    expect(await store.completeStaged(key('drop/deep'), mine)).toBe('gone');
    expect(await store.completeStaged(foreignKey, foreign)).toBe('completed');
  });

  it('must have the size that was recorded', async () => {
    const local = await writePart(key('resized'), randomBytes(10));
    await expect(store.stage(key('resized'), { ...local, size: 11 })).rejects.toMatchObject({ code: 'INTERNAL' });
    await rm(local.path);
    await expect(store.stage(key('resized'), local)).rejects.toMatchObject({ name: 'PrescoreError' });
    expect(await place.waiting()).toBe(0);
  });
});
