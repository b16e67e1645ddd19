import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { removeProvider } from '../../src/model/gpu/install-provider.ts';
import { PROVIDER_FILES } from '../../src/model/gpu/provider-source.ts';
import { prescore, startPrescore } from '../harness/cli.ts';
import { type GpuPlace, gpuPlace, ORT_VERSION, providerFiles, providerWheel, sha256 } from '../harness/gpu-place.ts';
import { expectRefusal, type Refusal } from '../harness/refusal.ts';
import { giveAway, shell } from '../harness/shell.ts';

const CUDA = PROVIDER_FILES[1];
const source = (says: RegExp): Refusal => ({ exit: 4, code: 'GPU_SOURCE', says });

const install = (place: GpuPlace, from: string, ...more: string[]): string[] => [
  ...['gpu', 'install', '--binding', place.binding, '--from', from],
  ...more,
];
const listing = (place: GpuPlace): string[] => readdirSync(place.binding).sort();

/** Cuts a file into parts of `bytes` as `split` does, and takes it away. */
function split(path: string, bytes: number): string[] {
  const whole = readFileSync(path);
  const parts: string[] = [];
  for (let at = 0; at < whole.length; at += bytes) {
    const part = `${path}.part-a${String.fromCharCode(97 + parts.length)}`;
    writeFileSync(part, whole.subarray(at, at + bytes));
    parts.push(part);
  }
  rmSync(path);
  return parts;
}

describe('a package that is not what it should be', () => {
  const bare = ['onnxruntime_binding.node'];

  it('another version, a cut, a changed byte, a changed RECORD: refused, and nothing is left', async () => {
    const place = gpuPlace();
    const old = providerWheel(join(place.folder, 'old'), { version: '1.29.0' });
    await expectRefusal(
      install(place, old),
      source(/expected onnxruntime-gpu .*; got onnxruntime-gpu 1\.29\.0/),
      place,
    );
    const whole = readFileSync(providerWheel(join(place.folder, 'w')));
    const wheel = (bytes: Buffer): string => {
      const path = join(place.folder, `onnxruntime_gpu-${ORT_VERSION}-cp312-cp312-manylinux_2_28_x86_64.whl`);
      writeFileSync(path, bytes);
      return path;
    };
    await expectRefusal(install(place, wheel(whole.subarray(0, -40))), source(/cut off/), place);
    const at = whole.indexOf(CUDA) + CUDA.length + 60;
    const damaged = Buffer.from(whole);
    damaged.fill(0x55, at, at + 8);
    await expectRefusal(install(place, wheel(damaged)), source(/damaged/), place);
    const lie = (text: string): string =>
      text.replace(new RegExp(`(${CUDA.replaceAll('.', '\\.')},sha256=).{8}`), '$1AAAAAAAA');
    const lying = providerWheel(join(place.folder, 'lying'), { record: lie });
    await expectRefusal(install(place, lying), source(/file of the package is damaged.*expected .* sha256/), place);
    const pinned = [providerWheel(join(place.folder, 'w')), '--sha256', '0'.repeat(64)] as const;
    await expectRefusal(install(place, ...pinned), source(/another sha256/), place);
    expect(listing(place)).toEqual(bare);
  });

  it('no such file, no wheel, an empty folder, a part that is missing', async () => {
    const place = gpuPlace();
    const empty = join(place.folder, 'empty');
    mkdirSync(empty);
    await expectRefusal(install(place, join(empty, 'x.whl')), source(/No such file or folder/), place);
    await expectRefusal(install(place, empty), source(/Neither a wheel/), place);
    writeFileSync(join(empty, 'x.whl'), 'no wheel at all');
    await expectRefusal(install(place, join(empty, 'x.whl')), source(/Not a wheel/), place);
    const parts = split(providerWheel(join(place.folder, 'p')), 700);
    const [middle, last] = [parts[1]!, parts.at(-1)!];
    expect(parts.length).toBeGreaterThan(2);
    renameSync(last, `${last}.away`);
    await expectRefusal(install(place, join(place.folder, 'p')), source(/cut off/), place);
    renameSync(`${last}.away`, last);
    rmSync(middle);
    await expectRefusal(install(place, join(place.folder, 'p')), source(/part of .* is missing/), place);
    expect(listing(place)).toEqual(bare);
  });

  it('libraries without a wheel need a SHA256SUMS, and are of the version in their data', async () => {
    const place = gpuPlace();
    const loose = join(place.folder, 'loose');
    mkdirSync(loose);
    const write = (files: Record<string, Buffer>, isSummed: boolean): void => {
      for (const [name, bytes] of Object.entries(files)) writeFileSync(join(loose, name), bytes);
      const sums = Object.entries(files).map(([name, bytes]) => `${sha256(bytes)}  ${name}\n`);
      if (isSummed) writeFileSync(join(loose, 'SHA256SUMS'), sums.join(''));
    };
    write(providerFiles(), false);
    await expectRefusal(install(place, loose), source(/Nothing says what .* must be.*sha256sum/), place);
    write(providerFiles('1.29.0'), true);
    await expectRefusal(install(place, loose), source(/got onnxruntime-gpu unknown/), place);
    write(providerFiles(), true);
    expect((await prescore(install(place, loose), place)).code).toBe(0);
    expect(readFileSync(join(place.binding, CUDA))).toEqual(providerFiles()[CUDA]);
  });
});

describe('a folder that is not ours alone', () => {
  it('a library of somebody else is left, or kept aside and put back', async () => {
    const place = gpuPlace();
    const wheel = providerWheel(join(place.folder, 'w'));
    const theirs = Buffer.from('somebody else put this here');
    writeFileSync(join(place.binding, CUDA), theirs);
    const before = listing(place);
    await expectRefusal(
      install(place, wheel),
      { exit: 7, code: 'GPU_FOREIGN', says: /prescore did not put it there/ },
      place,
    );
    expect(listing(place)).toEqual(before);
    expect((await prescore(install(place, wheel, '--replace'), place)).code).toBe(0);
    expect(readFileSync(join(place.binding, CUDA))).toEqual(providerFiles()[CUDA]);
    // Twice is once.
    expect((await prescore(install(place, wheel), place)).stdout).toMatch(/was there: .*cuda/);
    const { code, stdout } = await prescore(['gpu', 'remove', '--binding', place.binding], place);
    expect(stdout).toMatch(/^restored +libonnxruntime_providers_cuda/m);
    expect(code).toBe(0);
    expect(readFileSync(join(place.binding, CUDA))).toEqual(theirs);
    expect(listing(place)).toEqual(before);
  });

  it('the same library, put there by something else, is neither taken nor removed', async () => {
    const place = gpuPlace();
    const wheel = providerWheel(join(place.folder, 'w'));
    writeFileSync(join(place.binding, CUDA), providerFiles()[CUDA]!);
    expect((await prescore(install(place, wheel), place)).code).toBe(0);
    expect((await removeProvider(place.binding))?.map((file) => file.name)).toEqual([PROVIDER_FILES[0]]);
    expect(listing(place)).toEqual([CUDA, 'onnxruntime_binding.node'].sort());
  });

  it('one that was changed after the installation is told, and left', async () => {
    const place = gpuPlace();
    const wheel = providerWheel(join(place.folder, 'w'));
    await prescore(install(place, wheel), place);
    writeFileSync(join(place.binding, CUDA), 'changed');
    const { stdout, code } = await prescore(['gpu', 'status', '--binding', place.binding], place);
    expect(stdout).toMatch(/Changed since prescore installed it: .*cuda\.so/);
    expect(code).toBe(5);
    expect(await removeProvider(place.binding)).toContainEqual({ name: CUDA, outcome: 'left: changed since' });
    expect(readFileSync(join(place.binding, CUDA), 'utf8')).toBe('changed');
  });

  it('a folder without rights, and a record that leads out of it', async () => {
    const place = gpuPlace();
    const wheel = providerWheel(join(place.folder, 'w'));
    giveAway(place.folder);
    const env = { ...place.env, HOME: place.folder };
    const line = `chmod 555 "${place.binding}"; prescore gpu install --binding "${place.binding}" --from "${wheel}"`;
    const denied = await shell(line, { env, isPlainUser: true });
    expect(denied.stderr).toMatch(/^GPU_PLACE: The folder cannot be written; at .*owner of node_modules/);
    expect(denied.code).toBe(6);
    await shell(`chmod 755 "${place.binding}"`, { isPlainUser: true });
    const victim = join(place.folder, 'victim');
    writeFileSync(victim, 'mine');
    const file = { name: '../../../../../../victim', bytes: 4, sha256: sha256(Buffer.from('mine')), kept: null };
    writeFileSync(
      join(place.binding, 'prescore-gpu.json'),
      JSON.stringify({ format: 1, version: '1', from: '', files: [file] }),
    );
    const remove = ['gpu', 'remove', '--binding', place.binding];
    await expectRefusal(remove, { exit: 6, code: 'GPU_PLACE', says: /record .* cannot be read/ }, place);
    expect(readFileSync(victim, 'utf8')).toBe('mine');
  });
});

describe('an installation that is killed', () => {
  it('leaves each library whole or absent, and the next one goes on and sweeps', async () => {
    const place = gpuPlace();
    const padding = Buffer.alloc(32 << 20);
    const wheel = providerWheel(join(place.folder, 'w'), { padding });
    const wanted = sha256(providerFiles(ORT_VERSION, padding)[CUDA]!);
    const { child, result } = startPrescore(install(place, wheel), place);
    while (!listing(place).some((name) => name.startsWith('.prescore-gpu-'))) await sleep(2);
    child.kill('SIGKILL');
    expect((await result).signal).toBe('SIGKILL');
    expect(listing(place)).toHaveLength(2);
    expect(listing(place)).not.toContain(CUDA);
    expect((await prescore(install(place, wheel), place)).code).toBe(0);
    expect(listing(place)).toEqual([...PROVIDER_FILES, 'onnxruntime_binding.node', 'prescore-gpu.json'].sort());
    expect(sha256(readFileSync(join(place.binding, CUDA)))).toBe(wanted);
    // Ended between the record and the renames: told as such, and mended by the same command.
    rmSync(join(place.binding, CUDA));
    const half = await prescore(['gpu', 'status', '--binding', place.binding], place);
    expect(half.stdout).toMatch(/not complete: libonnxruntime_providers_cuda\.so missing/);
    expect((await prescore(install(place, wheel), place)).code).toBe(0);
    expect(sha256(readFileSync(join(place.binding, CUDA)))).toBe(wanted);
    await removeProvider(place.binding);
    expect(listing(place)).toEqual(['onnxruntime_binding.node']);
  });
});

describe('command lines that are wrong', () => {
  it.each<[string, string[], RegExp]>([
    ['a digest that is none', ['--from', 'x', '--sha256', 'abc'], /64 hex digits/],
    ['a digest of nothing', ['--sha256', '0'.repeat(64)], /goes with --from/],
    ['two places of libraries', ['--runtime', '--runtime-from', 'x'], /not both/],
  ])('%s', async (_what, args, says) => {
    await expectRefusal(['gpu', 'install', ...args], { exit: 2, code: 'USAGE', says });
  });

  it('a folder without a binding, and a Python that is none', async () => {
    const place = gpuPlace();
    const none = ['gpu', 'status', '--binding', place.folder];
    await expectRefusal(none, { exit: 6, code: 'GPU_PLACE', says: /expected onnxruntime_binding\.node/ }, place);
    const python = ['gpu', 'install', '--binding', place.binding, '--python', join(place.folder, 'python')];
    await expectRefusal(python, { exit: 6, code: 'GPU_REGISTRY', says: /Python cannot be started.*--from/ }, place);
  });
});
