import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type DriverFacts, parseDriverVersion, readDriver } from '../../../../src/model/gpu/driver.ts';
import { gpuHome } from '../../../../src/model/gpu/gpu-home.ts';
import { gpuLoaderPath } from '../../../../src/model/gpu/loader-path.ts';
import { trialFix } from '../../../../src/model/gpu/session-trial.ts';
import { type GpuFacts, whyNot } from '../../../../src/model/gpu/why-not.ts';
import { suiteFolder } from '../../../harness/suite-folder.ts';

const root = suiteFolder();
const file = (state: 'installed' | 'missing' | 'changed') => ({ name: 'cuda.so', state, bytes: 1, sha256: 'a' });
const driver: DriverFacts = { version: '580.65.06', nodes: ['/dev/nvidia0', '/dev/nvidiactl'], denied: [], gpus: [] };
const ready: GpuFacts = {
  onnxruntime: { version: '1.30.0', folder: '/b' },
  provider: { version: '1.30.0', from: 'wheel', files: [file('installed')] },
  loaderPath: ['/l'],
  runtime: { format: 1, cuda: 13, folders: ['/l'], unpacked: null, packages: [] },
  libraries: [{ name: 'libcublasLt.so.13', neededBy: 'cuda.so', path: '/l/libcublasLt.so.13' }],
  onDemand: [{ name: 'libcudnn.so.9', path: '/l/libcudnn.so.9' }],
  load: { isLoaded: true, says: '' },
  trials: [],
  driver,
  pythonFolders: [],
};
const noDriver: DriverFacts = { version: null, nodes: [], denied: [], gpus: [] };
const refusal = (says: string) => ({ isOpened: false, says });

describe('why a GPU cannot be used', () => {
  it('says nothing when all is there', () => {
    expect(whyNot(ready)).toEqual([]);
  });

  it.each<[string, Partial<GpuFacts>, RegExp, RegExp, boolean]>([
    [
      'no provider',
      { provider: { version: null, from: null, files: [file('missing')] } },
      /provider is not installed/,
      /gpu install$/,
      true,
    ],
    [
      'half a provider',
      { provider: { ...ready.provider, files: [file('missing')] } },
      /not complete: cuda.so/,
      /again/,
      true,
    ],
    [
      'a changed one',
      { provider: { ...ready.provider, files: [file('changed')] } },
      /Changed since/,
      /--replace/,
      true,
    ],
    [
      'one of another version',
      { provider: { ...ready.provider, version: '1.29.0' } },
      /of version 1\.29\.0, onnxruntime-node of 1\.30\.0/,
      /gpu install/,
      true,
    ],
    [
      'no libraries',
      { libraries: [{ name: 'libcudart.so.13', neededBy: 'cuda.so', path: null }] },
      /CUDA 13 are missing: libcudart\.so\.13/,
      /--runtime/,
      true,
    ],
    [
      'libraries in a Python installation',
      {
        libraries: [{ name: 'libcudart.so.13', neededBy: 'cuda.so', path: null }],
        pythonFolders: ['/v/lib/python3.12/site-packages/nvidia/cu13/lib'],
      },
      /missing: libcudart/,
      /--runtime-from \/v\/lib\/python3\.12\/site-packages$/,
      true,
    ],
    ['a folder that is gone', { loaderPath: [] }, /folders of libraries are gone: \/l/, /again/, true],
    [
      'no cuDNN',
      { onDemand: [{ name: 'libcudnn.so.9', path: null }] },
      /models that need them: libcudnn/,
      /--runtime/,
      false,
    ],
    ['no GPU', { driver: noDriver }, /no NVIDIA driver and no GPU/, /--gpus/, true],
    [
      'an old driver',
      { driver: { ...driver, version: '550.54.15' } },
      /550\.54\.15; CUDA 13 needs 580/,
      /Update/,
      true,
    ],
    ['no device node', { driver: { ...driver, nodes: ['/dev/nvidiactl'] } }, /no device node/, /container/, true],
    ['no rights', { driver: { ...driver, denied: ['/dev/nvidia0'] } }, /may not use \/dev\/nvidia0/, /group/, true],
    [
      'no library of the driver',
      { libraries: [{ name: 'libcuda.so.1', neededBy: 'cuda.so', path: null }] },
      /^libcuda\.so\.1 is missing/,
      /compute/,
      true,
    ],
    [
      'a loader that refuses all the same',
      { load: { isLoaded: false, says: 'version `CXXABI_1.3.99` not found' } },
      /loader refuses the provider: version `CXXABI/,
      /one CUDA release/,
      true,
    ],
    [
      'a session that is refused',
      { trials: [refusal('cuda:0 is not available: CUDA failure 802: system not yet initialized (cudaSetDevice(0))')] },
      /^cuda:0 is not available: CUDA failure 802/,
      /nvidia-fabricmanager/,
      true,
    ],
    [
      'a session that is refused where the driver is too old',
      {
        driver: { ...driver, version: '550.54.15' },
        trials: [refusal('cuda:0 is not available: CUDA failure 35: insufficient')],
      },
      /550\.54\.15; CUDA 13 needs 580/,
      /Update/,
      true,
    ],
  ])('%s', (_what, facts, what, fix, isInTheWay) => {
    const [first, ...rest] = whyNot({ ...ready, ...facts });
    expect(rest).toEqual([]);
    expect(first?.what).toMatch(what);
    expect(first?.fix).toMatch(fix);
    expect(first?.isInTheWay).toBe(isInTheWay);
  });
});

describe('sessions', () => {
  it('that were opened count for more than what the host shows of its driver', () => {
    const opened = { isOpened: true, says: 'cuda:0 scores' };
    const hidden = { ...ready, driver: noDriver, libraries: [] };
    expect(whyNot({ ...hidden, trials: [opened] })).toEqual([]);
    const gone = { ...hidden, loaderPath: [], trials: [opened, refusal('cuda:1 is not available')] };
    expect(whyNot(gone).map((one) => [one.what, one.isInTheWay])).toEqual([
      ['Recorded folders of libraries are gone: /l.', false],
      ['cuda:1 is not available', false],
    ]);
    expect(whyNot({ ...ready, trials: [refusal('cuda:1 is not available')] })[0]?.isInTheWay).toBe(true);
  });

  it.each([
    ['CUDA failure 2: out of memory', /nvidia-smi lists/],
    ['CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version', /580 or newer/],
    ['CUDA failure 100: no CUDA-capable device is detected', /CUDA_VISIBLE_DEVICES/],
    ['CUDA failure 101: invalid device ordinal', /CUDA_VISIBLE_DEVICES/],
    ['CUDA failure 209: no kernel image is available for execution on the device', /too old/],
    ['CUDA failure 803: system has unsupported display driver / cuda driver combination', /restart/],
    ['CUDA failure 999: unknown error', /dmesg/],
  ])('%s', (says, fix) => {
    expect(trialFix(says)).toMatch(fix);
  });
});

describe('the driver', () => {
  it.each([
    [
      'NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\nGCC version: 12',
      '535.104.05',
    ],
    [
      'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (dvs-builder@U22)  Sun Jul 27 07:06:41 UTC 2026\n',
      '580.65.06',
    ],
    ['', null],
    ['GCC version:  gcc version 12.2.0', null],
  ])('%s', (text, version) => {
    expect(parseDriverVersion(text)).toBe(version);
  });

  it('is read from /proc and /dev', () => {
    const system = join(root, 'system');
    for (const path of ['dev', 'proc/driver/nvidia/gpus/0000:01:00.0'])
      mkdirSync(join(system, path), { recursive: true });
    for (const name of ['nvidia0', 'nvidiactl', 'nvidia-uvm', 'nvidia-modeset', 'null'])
      writeFileSync(join(system, 'dev', name), '');
    writeFileSync(
      join(system, 'proc/driver/nvidia/version'),
      'NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.95.05  x\n',
    );
    writeFileSync(join(system, 'proc/driver/nvidia/gpus/0000:01:00.0/information'), 'Model: \t\t NVIDIA L4\nIRQ: 1\n');
    expect(readDriver(null, system)).toEqual({
      version: '580.95.05',
      nodes: ['nvidia-uvm', 'nvidia0', 'nvidiactl'].map((name) => join(system, 'dev', name)),
      denied: [],
      gpus: ['NVIDIA L4'],
    });
    expect(readDriver(null, join(root, 'nothing'))).toEqual(noDriver);
  });

  it('is that of its library where the kernel does not tell', () => {
    const folder = join(root, 'library');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'libcuda.so.580.95.05'), '');
    symlinkSync('libcuda.so.580.95.05', join(folder, 'libcuda.so.1'));
    symlinkSync('gone', join(folder, 'dangling'));
    const versionBy = (name: string) => readDriver(join(folder, name), join(root, 'nothing')).version;
    expect(versionBy('libcuda.so.1')).toBe('580.95.05');
    expect([versionBy('dangling'), versionBy('libcuda.so.580.95.05')]).toEqual([null, '580.95.05']);
    expect(readDriver(join(folder, 'libcuda.so.1'), join(root, 'system')).version).not.toBeNull();
  });
});

describe('the loader path of scorer children', () => {
  const home = join(root, 'home');
  const [a, b] = [join(root, 'a'), join(root, 'b')];
  for (const folder of [home, a, b]) mkdirSync(folder, { recursive: true });
  const env = { PRESCORE_GPU_DIR: home };
  const record = (text: string): void => writeFileSync(join(home, 'runtime.json'), text);

  it('has the folders that are asked for, then those that are recorded, each once and only if it is there', () => {
    record(JSON.stringify({ format: 1, folders: [b, a, join(root, 'gone'), 'relative', 7] }));
    expect(gpuLoaderPath(env)).toEqual([b, a]);
    expect(gpuLoaderPath({ ...env, PRESCORE_CUDA_PATH: `${a}::relative:${join(root, 'gone')}` })).toEqual([a, b]);
    expect(gpuLoaderPath({})).toEqual([]);
  });

  it.each(['', '{', 'null', '[]', '{"folders":{}}', '{"folders":"/tmp"}'])('takes the record %j for none', (text) => {
    record(text);
    expect(gpuLoaderPath(env)).toEqual([]);
  });

  it.each([
    [{ PRESCORE_GPU_DIR: '/g', XDG_CACHE_HOME: '/c', HOME: '/h' }, '/g'],
    [{ PRESCORE_GPU_DIR: 'g', HOME: '/h' }, null],
    [{ XDG_CACHE_HOME: '/c', HOME: '/h' }, '/c/prescore/gpu'],
    [{ XDG_CACHE_HOME: 'c', HOME: '/h' }, '/h/.cache/prescore/gpu'],
    [{}, null],
  ])('%j is kept in %s', (variables, folder) => {
    expect(gpuHome(variables)).toBe(folder);
  });
});
