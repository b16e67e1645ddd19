import { isAbsolute, join } from 'node:path';

/** The CUDA that the provider of ONNX Runtime 1.30 is built for: the number at the end of `libcublasLt.so.13`. */
export const CUDA_MAJOR = 13;

/**
 * The folder in which prescore keeps GPU files of the user: runtime libraries and what it knows of them. `PRESCORE_GPU_DIR`,
 * else the user's cache folder; null when there is no place (no HOME). Not created here.
 */
export function gpuHome(env: NodeJS.ProcessEnv): string | null {
  const asked = env['PRESCORE_GPU_DIR'] ?? '';
  if (asked !== '') return isAbsolute(asked) ? asked : null;
  const cache = env['XDG_CACHE_HOME'] ?? '';
  if (isAbsolute(cache)) return join(cache, 'prescore', 'gpu');
  const home = env['HOME'] ?? '';
  return isAbsolute(home) ? join(home, '.cache', 'prescore', 'gpu') : null;
}
