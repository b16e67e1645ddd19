import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { scorerLibraryPath } from '../../src/model/gpu/loader-path.ts';
import { openProviderSource } from '../../src/model/gpu/provider-source.ts';
import { onnxruntimeVersion } from '../../src/model/onnx/onnx-session.ts';
import { note } from '../paths.ts';
import { capture } from './run-job.ts';

/** The Python that is measured beside prescore. */
export interface PythonPeer {
  readonly path: string;
  /** In which it finds onnxruntime and the libraries of CUDA that prescore's scorers have. */
  readonly env: NodeJS.ProcessEnv;
}

const HAS_CUDA = 'import sys, onnxruntime as o; sys.exit("CUDAExecutionProvider" not in o.get_available_providers())';

/**
 * The Python at `path` with the scorers' libraries of CUDA. Where its own onnxruntime has no CUDA, the one of the wheel that the provider came
 * from (`from`: as for gpu install) is unpacked into `folder` for it, as long as it is for this version of Python.
 */
export async function pythonPeer(
  path: string,
  device: string,
  from: string | null,
  folder: string,
): Promise<PythonPeer> {
  const env: NodeJS.ProcessEnv = { ...process.env, LD_LIBRARY_PATH: scorerLibraryPath(process.env) };
  const own = { path, env };
  if (!device.startsWith('cuda') || from === null || (await hasCuda(own))) return own;
  const { wheel } = await openProviderSource(from, onnxruntimeVersion());
  if (wheel === null) return own;
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'onnxruntime_gpu.whl');
  await writeFile(file, wheel.stream());
  const site = join(folder, 'site');
  const { code, stderr } = await capture(path, ['-m', 'zipfile', '-e', file, site]);
  const unpacked = { path, env: { ...env, PYTHONPATH: [site, env['PYTHONPATH'] ?? ''].join(delimiter) } };
  if (code === 0 && (await hasCuda(unpacked))) return unpacked;
  note(
    `the wheel of ${from} is none for ${path}: its own onnxruntime is taken${code === 0 ? '' : ` (${stderr.trim()})`}`,
  );
  return own;
}

async function hasCuda({ path, env }: PythonPeer): Promise<boolean> {
  return (await capture(path, ['-c', HAS_CUDA], env)).code === 0;
}
