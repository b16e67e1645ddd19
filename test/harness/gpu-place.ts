import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { PROVIDER_FILES } from '../../src/model/gpu/provider-source.ts';
import { makeLibrary } from './elf-library.ts';
import { makeWheel } from './wheel.ts';

const root = dirname(dirname(createRequire(import.meta.url).resolve('onnxruntime-node')));

/** The version of onnxruntime-node that is installed. */
export const ORT_VERSION = (createRequire(import.meta.url)(`${root}/package.json`) as { version: string }).version;

/** What the CUDA provider of 1.30 needs. */
export const CUDA_NEEDS = ['libcublasLt.so.13', 'libcublas.so.13', 'libcurand.so.10', 'libcudart.so.13'] as const;

export interface GpuPlace {
  readonly folder: string;
  /** The binding's folder in a copy of onnxruntime-node, which the test may write into. */
  readonly binding: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A copy of the binding of onnxruntime-node and a home for libraries, in a temporary folder that goes with the test. */
export function gpuPlace(): GpuPlace {
  const folder = mkdtempSync(join(tmpdir(), 'prescore-gpu-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const binding = join(folder, 'onnxruntime-node/bin/napi-v6/linux/x64');
  mkdirSync(binding, { recursive: true });
  copyFileSync(join(root, 'package.json'), join(folder, 'onnxruntime-node/package.json'));
  copyFileSync(join(root, 'bin/napi-v6/linux/x64/onnxruntime_binding.node'), join(binding, 'onnxruntime_binding.node'));
  return {
    folder,
    binding,
    env: { PRESCORE_GPU_DIR: join(folder, 'home'), LD_LIBRARY_PATH: '', PRESCORE_CUDA_PATH: '' },
  };
}

/** The two provider libraries: small, real libraries that need what the real ones need. Only ONNX Runtime makes the first one tell its host. */
export function providerFiles(version = ORT_VERSION, padding: Buffer = Buffer.alloc(0)): Record<string, Buffer> {
  const [shared, cuda] = PROVIDER_FILES;
  return {
    [shared]: makeLibrary({ soname: shared, needed: ['libc.so.6'] }),
    [cuda]: makeLibrary({
      soname: cuda,
      needed: [...CUDA_NEEDS, 'libc.so.6'],
      wants: 'Provider_GetHost',
      text: version,
      padding,
    }),
  };
}

/** A wheel of onnxruntime-gpu with them. */
export function providerWheel(
  folder: string,
  options: { readonly version?: string; readonly padding?: Buffer; readonly record?: (text: string) => string } = {},
): string {
  mkdirSync(folder, { recursive: true });
  const { version = ORT_VERSION, padding, record = (text) => text } = options;
  const entries = Object.entries(providerFiles(version, padding)).map(
    ([name, b]) => [`onnxruntime/capi/${name}`, b] as const,
  );
  const files = { 'onnxruntime/__init__.py': Buffer.from(''), ...Object.fromEntries(entries) };
  return makeWheel(folder, {
    name: 'onnxruntime_gpu',
    version,
    tags: 'cp312-cp312-manylinux_2_28_x86_64',
    files,
    record,
  });
}

/** Wheels as NVIDIA's, with libraries that need each other as theirs do. */
export function runtimeWheels(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const cu13 = (name: string, needed: readonly string[] = []): [string, Buffer] => [
    `nvidia/cu13/lib/${name}`,
    makeLibrary({ soname: name, needed: [...needed, 'libc.so.6'], runpath: '$ORIGIN' }),
  ];
  const wheels: [string, string, [string, Buffer][]][] = [
    ['nvidia_cuda_runtime', '13.0.96', [cu13('libcudart.so.13')]],
    ['nvidia_cublas', '13.0.2.14', [cu13('libcublasLt.so.13'), cu13('libcublas.so.13', ['libcublasLt.so.13'])]],
    ['nvidia_cuda_nvrtc', '13.0.88', [cu13('libnvrtc.so.13')]],
    ['nvidia_curand', '10.4.0.35', [cu13('libcurand.so.10')]],
    ['nvidia_cufft', '12.0.0.61', [cu13('libcufft.so.12', ['libnvJitLink.so.13'])]],
    ['nvidia_nvjitlink', '13.0.88', [cu13('libnvJitLink.so.13')]],
    ['nvidia_cudnn_cu13', '9.14.0.64', [['nvidia/cudnn/lib/libcudnn.so.9', makeLibrary({ soname: 'libcudnn.so.9' })]]],
  ];
  for (const [name, version, files] of wheels) {
    const header: [string, Buffer] = ['nvidia/cu13/include/some.h', Buffer.from('not wanted')];
    makeWheel(folder, {
      name,
      version,
      tags: 'py3-none-manylinux_2_27_x86_64',
      files: Object.fromEntries([...files, header]),
    });
  }
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
