import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CPU_DEVICE, type GrantedDevice, grantedDevices } from '../../../../src/base/contract/device.ts';
import { packagesOf } from '../../../../src/model/gpu/loaded-packages.ts';
import {
  deviceName,
  isCpuNodeRefusal,
  isProviderFailure,
  parseDevice,
  providersOf,
} from '../../../../src/model/onnx/execution-device.ts';
import { countGpus, gpuName, loadedGpuLibraries, nvidiaDriver } from '../../../../src/model/onnx/gpu-facts.ts';
import { isMemoryShort } from '../../../../src/model/onnx/memory-shortage.ts';
import { nodesByProvider } from '../../../../src/model/onnx/node-profile.ts';
import { openOnDevice } from '../../../../src/model/onnx/open-on-device.ts';
import { runtimeText } from '../../../../src/model/onnx/runtime-text.ts';
import { failureOf } from '../../../harness/failure-of.ts';
import { tempFolder } from '../../../harness/temp-job.ts';

test.each([
  ['cpu', 'cpu', ['cpu']],
  ['auto', 'cpu', ['cpu']],
  ['cuda', 'cuda:0', [{ name: 'cuda', deviceId: 0 }, 'cpu']],
  ['cuda:3', 'cuda:3', [{ name: 'cuda', deviceId: 3 }, 'cpu']],
  ['webgpu', 'webgpu', ['webgpu', 'cpu']],
])('%s is %s', (text, name, providers) => {
  const device = parseDevice(text);
  expect(deviceName(device)).toBe(name);
  expect(providersOf(device)).toEqual(providers);
});

const CUDA_CALL =
  '/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:154 std::conditional_t<THRW, void, onnxruntime::common::Status> onnxruntime::CudaCall(ERRTYPE, const char*, const char*, SUCCTYPE, const char*, const char*, int) [with ERRTYPE = cudaError; bool THRW = true; SUCCTYPE = cudaError; std::conditional_t<THRW, void, common::Status> = void] ';
const cudaText = (failure: string): string =>
  `${CUDA_CALL}${CUDA_CALL}CUDA ${failure} ; GPU=-1 ; hostname=host ; file=/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider.cc ; line=352 ; expr=cudaSetDevice(info_.device_id); \n\n`;

// What the CUDA provider of ONNX Runtime 1.30 says over the driver's library without a GPU, of 580 and of 550.
test.each([
  'failure 100: no CUDA-capable device is detected',
  'failure 35: CUDA driver version is insufficient for CUDA runtime version',
])('CUDA %s', (failure) => {
  const error = new Error(cudaText(failure));
  expect(runtimeText(error)).toBe(`CUDA ${failure} (cudaSetDevice(info_.device_id))`);
  expect(isProviderFailure(error)).toBe(true);
});

// Of the CUDA provider and of the libraries of CUDA 13.5, asked for the words of their codes.
test.each([
  ['Exception during initialization: Failed to allocate memory for requested buffer of size 524288', true],
  [
    'Status Message: CUBLAS failure 3: the resource allocation failed ; GPU=0 ; hostname=h ; file=f ; line=1 ; expr=g();',
    true,
  ],
  ['CUDNN failure 4004: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED', true],
  ['CUDA failure 2: out of memory', true],
  ['CUBLAS failure 13: the function failed to launch on the GPU', false],
  ['CUDA failure 700: an illegal memory access was encountered', false],
])('%s', (text, isShort) => {
  expect(isMemoryShort(new Error(text))).toBe(isShort);
});

test('a device that cannot run the model is told once, and its session let go', async () => {
  const failure = new Error(
    "Non-zero status code returned while running Gemm node. Name:'' Status Message: CUBLAS failure 13: the function failed to launch on the GPU ; GPU=0 ; hostname=h ; file=f ; line=1 ; expr=g();",
  );
  const released: string[] = [];
  const opening = openOnDevice(parseDevice('cuda'), {
    create: async ({ executionProviders: [first] }) => {
      const name = typeof first === 'object' ? first.name : String(first);
      return { name, endProfiling: () => undefined, release: async () => void released.push(name) };
    },
    tryOut: async ({ name }) => {
      if (name === 'cuda') throw failure;
    },
  });
  const { message } = await failureOf(opening);
  expect(message.match(/PROVIDER_UNAVAILABLE|not available/g)).toHaveLength(2);
  expect(message).toContain('the model does not run on it');
  expect(released).toEqual(['cpu', 'cuda']);
});

test('memory that is short is no fault of the model, also when a part of it runs on the CPU', async () => {
  const open = (texts: readonly string[]) => {
    const left = [...texts];
    return openOnDevice(parseDevice('cuda:1'), {
      create: () => Promise.reject(new Error(left.shift())),
      tryOut: async () => undefined,
    });
  };
  const refusal =
    'This session contains graph nodes that are assigned to the default CPU EP, but fallback to CPU EP has been explicitly disabled by the user.';
  const short = 'Exception during initialization: Failed to allocate memory for requested buffer of size 524288';
  for (const texts of [[short], [refusal, short]])
    expect(await failureOf(open(texts))).toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      details: { what: `cuda:1 is not available: memory is short: ${short}` },
    });
  const broken = 'CUDA failure 700: an illegal memory access was encountered';
  expect(await failureOf(open([refusal, broken]))).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
  await expect(
    open([refusal, 'Type Error: Type parameter (T) of Optype (Add) bound to different types']),
  ).rejects.toThrow('bound to different types');
});

// Texts that ONNX Runtime 1.30 gave (the CUDA ones without a device are those of a machine without a GPU).
test.each([
  ['OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library', true, false],
  ['Failed to get a WebGPU adapter: No supported adapters', true, false],
  [
    'This session contains graph nodes that are assigned to the default CPU EP, but fallback to CPU EP has been explicitly disabled by the user.',
    false,
    true,
  ],
  ['Load model from buffer failed: Fatal error: no.such.domain:Op(-1) is not a registered function/op', false, false],
])('%s', (text, ofProvider, ofNodes) => {
  expect(isProviderFailure(new Error(text))).toBe(ofProvider);
  expect(isCpuNodeRefusal(new Error(text))).toBe(ofNodes);
});

describe('a profile', () => {
  const kernel = (name: string, index: string, provider: string, operator = 'Gemm'): string =>
    `{"cat" : "Node","pid" :1,"tid" :1,"dur" :7,"ts" :4,"ph" : "X","name" :"${name}_kernel_time","args" : {"provider" : "${provider}","node_index" : "${index}","op_name" : "${operator}"}},`;
  const session = '{"cat" : "Session","pid" :1,"tid" :1,"dur" :1,"ts" :3,"ph" : "X","name" :"model_run","args" : {}}';

  test('is counted by provider, each node once', () => {
    const lines = [
      '[',
      kernel('a', '1', 'CUDAExecutionProvider'),
      kernel('a', '1', 'CUDAExecutionProvider'),
      kernel('b', '2', 'CUDAExecutionProvider'),
      kernel('c', '3', 'CPUExecutionProvider'),
      kernel('copy', '4', 'CUDAExecutionProvider', 'MemcpyToHost'),
      session,
      ']',
    ];
    expect(nodesByProvider(lines.join('\n'))).toEqual({ CUDAExecutionProvider: 2, CPUExecutionProvider: 1 });
  });

  test('that is cut short counts as far as it goes; one without kernels is empty', () => {
    const whole = kernel('a', '1', 'CPUExecutionProvider');
    expect(nodesByProvider(`[\n${whole}\n${whole.slice(0, 90)}`)).toEqual({ CPUExecutionProvider: 1 });
    expect(nodesByProvider(`[\n${session}\n]`)).toEqual({});
    expect(nodesByProvider('')).toEqual({});
  });
});

describe('what the system tells of GPUs', () => {
  test('the driver: of the kernel module, else of the library that is loaded', () => {
    const proc = tempFolder();
    expect(nvidiaDriver(['libcublas.so.13', 'libcuda.so.580.95.05'], proc)).toBe('580.95.05');
    expect(nvidiaDriver(['libcuda.so.1'], proc)).toBeNull();
    mkdirSync(join(proc, 'driver/nvidia'), { recursive: true });
    const module =
      'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.124.06  Release Build\nGCC version: 12\n';
    writeFileSync(join(proc, 'driver/nvidia/version'), module);
    expect(nvidiaDriver(['libcuda.so.580.95.05'], proc)).toBe('570.124.06');
  });

  test('the name, along the PCI bus and through CUDA_VISIBLE_DEVICES', () => {
    const proc = tempFolder();
    for (const [bus, name] of [
      ['0000:04:00.0', 'NVIDIA L4'],
      ['0000:0a:00.0', 'NVIDIA H200'],
    ] as const) {
      mkdirSync(join(proc, 'driver/nvidia/gpus', bus), { recursive: true });
      writeFileSync(join(proc, 'driver/nvidia/gpus', bus, 'information'), `Model: \t\t ${name}\nIRQ: 3\n`);
    }
    expect(gpuName(parseDevice('cuda:1'), {}, proc)).toBe('NVIDIA H200');
    expect(gpuName(parseDevice('cuda:0'), { CUDA_VISIBLE_DEVICES: '1' }, proc)).toBe('NVIDIA H200');
    expect(gpuName(parseDevice('cuda:2'), {}, proc)).toBeNull();
    expect(gpuName(parseDevice('cuda:0'), { CUDA_VISIBLE_DEVICES: 'GPU-5a1c' }, proc)).toBeNull();
    expect(gpuName(parseDevice('cuda:0'), { CUDA_DEVICE_ORDER: 'FASTEST_FIRST' }, proc)).toBeNull();
    expect(gpuName(parseDevice('cuda:0'), { CUDA_DEVICE_ORDER: 'PCI_BUS_ID' }, proc)).toBe('NVIDIA L4');
    expect(gpuName(parseDevice('webgpu'), {}, proc)).toBeNull();
  });

  test('how many there are', () => {
    const dev = tempFolder();
    expect(countGpus({}, dev)).toBe(0);
    for (const name of ['nvidia0', 'nvidia1', 'nvidiactl', 'nvidia-uvm', 'null']) writeFileSync(join(dev, name), '');
    expect(countGpus({}, dev)).toBe(2);
    expect(countGpus({ CUDA_VISIBLE_DEVICES: '1' }, dev)).toBe(1);
    expect(countGpus({ CUDA_VISIBLE_DEVICES: '0,-1,1' }, dev)).toBe(1);
    expect(countGpus({ CUDA_VISIBLE_DEVICES: '' }, dev)).toBe(0);
  });

  test('the libraries that a process has loaded', () => {
    const maps = join(tempFolder(), 'maps');
    const line = (path: string): string => `7f00-7f01 r-xp 00000000 00:1f 12 ${path}\n`;
    const paths = ['/a/libcudart.so.13.0.96', '/a/libcudart.so.13.0.96', '/b/libcuda.so.580.95.05', '/lib/libc.so.6'];
    writeFileSync(maps, `${paths.map(line).join('')}7ffc-7ffd rw-p 00000000 00:00 0 [stack]\n`);
    expect(loadedGpuLibraries(maps)).toEqual(['/b/libcuda.so.580.95.05', '/a/libcudart.so.13.0.96']);
    expect(loadedGpuLibraries(join(tempFolder(), 'none'))).toEqual([]);
  });
});

test('packages are those of the places where libraries lie', () => {
  const folder = tempFolder();
  const site = join(folder, 'venv/lib/python3.12/site-packages');
  for (const name of ['nvidia_cublas-13.0.2.14', 'nvidia_cudnn_cu13-9.14.0.64', 'numpy-2.4.6'])
    mkdirSync(join(site, `${name}.dist-info`), { recursive: true });
  const [home, unpacked] = [join(folder, 'home'), join(folder, 'home/runtime-1/nvidia/cu13/lib')];
  mkdirSync(unpacked, { recursive: true });
  const record = { format: 1, folders: [unpacked], unpacked: 'runtime-1', packages: ['nvidia-curand 10.4.5.25'] };
  writeFileSync(join(home, 'runtime.json'), JSON.stringify(record));
  const env = { PRESCORE_GPU_DIR: home };
  const cublas = join(site, 'nvidia/cu13/lib/libcublas.so.13');
  expect(packagesOf([cublas], env)).toEqual(['nvidia-cublas 13.0.2.14', 'nvidia-cudnn-cu13 9.14.0.64']);
  expect(packagesOf([join(unpacked, 'libcurand.so.10')], env)).toEqual(['nvidia-curand 10.4.5.25']);
  expect(packagesOf(['/usr/lib/x86_64-linux-gnu/libcuda.so.580.95.05'], env)).toEqual([]);
});

test('a run names each device once, whatever the order of its chunks', () => {
  const gpu: GrantedDevice = { ...CPU_DEVICE, device: 'cuda:0', hardware: 'NVIDIA L4', tf32: false };
  expect(grantedDevices([{}, { device: gpu }, { device: { ...gpu } }])).toEqual(
    grantedDevices([{ device: gpu }, {}, {}]),
  );
  expect(grantedDevices([{}, { device: gpu }])).toHaveLength(2);
  expect(grantedDevices([{}, {}])).toEqual([CPU_DEVICE]);
});
