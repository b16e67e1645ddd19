import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDriver } from '../../src/model/gpu/driver.ts';
import { PROVIDER_FILES } from '../../src/model/gpu/provider-source.ts';
import { adoptRuntime, hasRuntime, installRuntime, removeRuntime } from '../../src/model/gpu/runtime.ts';
import { readRuntimeRecord } from '../../src/model/gpu/runtime-record.ts';
import { prescore } from '../harness/cli.ts';
import { makeLibrary } from '../harness/elf-library.ts';
import { failureOf } from '../harness/failure-of.ts';
import { CUDA_NEEDS, gpuPlace, providerFiles, providerWheel, runtimeWheels } from '../harness/gpu-place.ts';
import { packageIndex } from '../harness/package-index.ts';
import { flightJob, tempFolder, writeJob } from '../harness/temp-job.ts';

const CUDA = PROVIDER_FILES[1];
const noDriver = 'There is no NVIDIA driver and no GPU here.';
/** Tests say what they find on a machine with a GPU as well. */
const hasGpu = readDriver().nodes.length > 0;

describe('gpu install, status and remove', () => {
  it('from a registry: sizes first, then digests; all that is missing then is the driver; remove leaves nothing', async () => {
    const place = gpuPlace();
    const served = join(place.folder, 'served');
    providerWheel(served);
    runtimeWheels(served);
    const index = await packageIndex(served);
    const env = { ...place.env, ...index.env };
    const args = ['gpu', 'install', '--binding', place.binding, '--runtime'];
    const done = await prescore([...args, '--json'], { env });
    expect(done.stderr).toBe('');
    expect(done.code).toBe(0);
    const wheels = done.events[0]?.['wheels'] as { file: string; bytes: number }[];
    expect(done.events[0]?.['event']).toBe('download');
    expect(wheels.map((w) => w.file).sort()).toEqual(readdirSync(served).sort());
    for (const { file, bytes } of wheels) expect(bytes).toBe(readFileSync(join(served, file)).length);
    // All sizes were asked for before the first wheel was fetched, and each wheel was fetched once.
    const methods = index.asked.map((line) => line.split(' ')[0]);
    expect(methods).toEqual([...wheels.map(() => 'HEAD'), ...wheels.map(() => 'GET')]);
    expect(readFileSync(join(place.binding, CUDA))).toEqual(providerFiles()[CUDA]);

    // Once more: all is there, and nothing is asked.
    const again = await prescore(args.slice(0, -1), { env });
    expect(again.stdout).toMatch(/^the provider [\d.]+ is installed\n/);
    expect(index.asked).toHaveLength(2 * wheels.length);
    const { packages = [] } = readRuntimeRecord(place.env) ?? {};
    expect(packages).toHaveLength(7);
    expect(hasRuntime(place.env, packages)).toBe(true);
    expect(hasRuntime(place.env, ['nvidia-cublas 13.0.3.1', ...packages.slice(1)])).toBe(false);

    const status = await prescore(['gpu', 'status', '--binding', place.binding, '--json'], { env });
    expect(status.code).toBe(hasGpu ? 0 : 5);
    const told = status.events[0] as {
      libraries: { name: string; path: string | null }[];
      obstacles: { what: string }[];
    };
    for (const name of CUDA_NEEDS)
      expect(told.libraries.find((l) => l.name === name)?.path).toBe(
        join(readRuntimeRecord(place.env)?.folders[0] ?? '', name),
      );
    // The system's loader agrees with the walk.
    expect(told).toMatchObject({
      load: { isLoaded: true, says: '' },
      onDemand: [{ path: /cudnn/ }, {}, {}].map(() => ({})),
    });
    expect(told.obstacles.map((one) => one.what)).toEqual(hasGpu ? [] : [noDriver]);

    const removed = await prescore(['gpu', 'remove', '--binding', place.binding, '--runtime'], { env });
    expect(removed.code).toBe(0);
    expect(readdirSync(place.binding)).toEqual(['onnxruntime_binding.node']);
    expect(readdirSync(join(place.folder, 'home'))).toEqual([]);
  });

  it('a registry that says another digest, or has no such version', async () => {
    const place = gpuPlace();
    const served = join(place.folder, 'served');
    providerWheel(served);
    const lying = await packageIndex(served, () => '0'.repeat(64));
    const args = ['gpu', 'install', '--binding', place.binding];
    const dry = await prescore([...args, '--dry-run'], { env: { ...place.env, ...lying.env } });
    expect(dry.stdout).toMatch(/^to download: [\d.]+ k?B\n {2}onnxruntime_gpu-.*: [\d.]+ k?B\n$/);
    expect(lying.asked).toEqual([expect.stringMatching(/^HEAD onnxruntime_gpu/)]);
    const refused = await prescore(args, { env: { ...place.env, ...lying.env } });
    expect(refused.stderr).toMatch(/^GPU_REGISTRY: .*HASHES/m);
    expect(refused.code).toBe(6);
    rmSync(served, { recursive: true });
    providerWheel(served, { version: '1.29.0' });
    const none = await prescore(args, { env: { ...place.env, ...lying.env } });
    expect(none.stderr).toMatch(/^GPU_REGISTRY: No matching distribution found for onnxruntime-gpu==.*--from\.$/m);
    expect(none.code).toBe(6);
    expect(readdirSync(place.binding)).toEqual(['onnxruntime_binding.node']);
  });

  it('from parts and from a Python installation; status says what is missing and where it would be', async () => {
    const place = gpuPlace();
    const parts = join(place.folder, 'parts');
    const wheel = providerWheel(parts);
    const whole = readFileSync(wheel);
    for (let i = 0; i * 900 < whole.length; i++)
      writeFileSync(`${wheel}.${String(i).padStart(3, '0')}`, whole.subarray(i * 900, i * 900 + 900));
    rmSync(wheel);
    const site = join(place.folder, 'venv/lib/python3.12/site-packages');
    const lib = join(site, 'nvidia/cu13/lib');
    mkdirSync(lib, { recursive: true });
    for (const name of CUDA_NEEDS) writeFileSync(join(lib, name), makeLibrary({ soname: name }));
    const python = join(place.folder, 'venv/bin/python');
    mkdirSync(join(place.folder, 'venv/bin'));
    // A Python that has this one folder of packages.
    writeFileSync(python, `#!/bin/sh\nPYTHONPATH="${site}" exec python3 -S "$@"\n`, { mode: 0o755 });
    const env = { ...place.env, VIRTUAL_ENV: join(place.folder, 'venv') };
    expect((await prescore(['gpu', 'install', '--binding', place.binding, '--from', parts], { env })).code).toBe(0);
    const status = ['gpu', 'status', '--binding', place.binding];
    const before = await prescore(status, { env });
    expect(before.stdout).toMatch(/^loader +libcublasLt\.so\.13: cannot open shared object file/m);
    expect(before.stdout).toMatch(
      /missing: libcublasLt\.so\.13, libcublas\.so\.13, libcurand\.so\.10, libcudart\.so\.13\./,
    );
    expect(before.stdout).toContain(
      `-> Use those of the Python installation: prescore gpu install --runtime-from ${site}\n`,
    );
    const again = ['gpu', 'install', '--binding', place.binding, '--from', parts, '--runtime-from', site];
    expect((await prescore(again, { env })).stdout).toContain(`used where they lie):\n  ${lib}`);
    const after = await prescore(status, { env });
    expect(after.stdout).toMatch(/^loader +loads the provider$/m);
    expect(after.stdout).toMatch(
      /\(note\) Missing for models that need them: libcudnn\.so\.9, libcufft\.so\.12, libnvrtc\.so\.13\./,
    );
    expect(after.stdout.includes(noDriver)).toBe(!hasGpu);
    // Forgetting them does not remove what is not ours.
    await prescore(['gpu', 'remove', '--binding', place.binding, '--runtime'], { env });
    expect(readdirSync(lib)).toHaveLength(CUDA_NEEDS.length);
    expect(readRuntimeRecord(place.env)).toBeNull();
  });
});

describe('libraries of CUDA', () => {
  it('wheels of a folder are unpacked, libraries only; a newer set replaces the one before', async () => {
    const place = gpuPlace();
    const wheels = join(place.folder, 'wheels');
    runtimeWheels(wheels);
    const first = await adoptRuntime(place.env, wheels);
    const home = join(place.folder, 'home');
    const files = readdirSync(home, { recursive: true, encoding: 'utf8' });
    expect(files.filter((name) => name.endsWith('.h'))).toEqual([]);
    expect(
      first.folders.map((f) =>
        f
          .slice(home.length + 1)
          .split('/')
          .slice(1)
          .join('/'),
      ),
    ).toEqual(['nvidia/cu13/lib', 'nvidia/cudnn/lib']);
    const only = readdirSync(wheels)
      .filter((name) => /cuda_runtime|cublas/.test(name))
      .map((name) => [join(wheels, name)]);
    const second = await installRuntime(place.env, only);
    expect(second.unpacked).not.toBe(first.unpacked);
    expect(readdirSync(home).sort()).toEqual([second.unpacked, 'runtime.json'].sort());
    expect((await removeRuntime(place.env))?.unpacked).toBe(second.unpacked);
    expect(readdirSync(home)).toEqual([]);
  });

  it('a folder without any, libraries of another CUDA, and wheels without the runtime are refused', async () => {
    const place = gpuPlace();
    const old = join(place.folder, 'old');
    mkdirSync(old);
    expect(await failureOf(adoptRuntime(place.env, join(place.folder, 'none')))).toMatchObject({ code: 'GPU_SOURCE' });
    writeFileSync(join(old, 'libcudart.so.12'), makeLibrary({ soname: 'libcudart.so.12' }));
    expect((await failureOf(adoptRuntime(place.env, old))).message).toMatch(/No libraries of CUDA 13 here/);
    const wheels = join(place.folder, 'wheels');
    runtimeWheels(wheels);
    rmSync(join(wheels, readdirSync(wheels).find((name) => name.includes('cuda_runtime'))!));
    expect((await failureOf(adoptRuntime(place.env, wheels))).message).toMatch(/hold no libcudart\.so\.13/);
    expect(readRuntimeRecord(place.env)).toBeNull();
  });
});

describe('doctor', () => {
  it('a job for CUDA fails where there is none; any other does not care', async () => {
    const none = 'The CUDA provider is not installed';
    const of = async (device: string): Promise<Record<string, unknown> | undefined> => {
      const folder = tempFolder();
      const job = writeJob(folder, flightJob(folder, { execution: { scorers: 1, device } }));
      const { events } = await prescore(['doctor', job, '--json'], { env: gpuPlace().env });
      return events.find((event) => event['check'] === 'GPU');
    };
    const asked = await of('cuda');
    expect(asked).toMatchObject({ verdict: 'fail', fix: 'prescore gpu install' });
    expect(asked?.['found']).toContain(none);
    expect((await of('cpu'))?.['verdict']).toBe(hasGpu ? 'warn' : 'ok');
  });
});
