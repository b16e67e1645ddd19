import { getCompileCacheDir } from 'node:module';
import { scorerLibraryPath } from '../../model/gpu/loader-path.ts';
import { forkScorer } from '../../scoring/pool/fork-scorer.ts';
import { SpareChild } from './spare-child.ts';

/*
 * A scorer child takes longer to load its libraries than the command line takes to read a job, so commands that will need
 * one start it first of all. This file imports next to nothing for that reason.
 */

/**
 * Allocators keep freed memory per thread, and DuckDB's queries wander over Node's pool threads: without this a child grew
 * from 150 to 210 MiB over a long run. glibc (ONNX Runtime, Node) gets two arenas, and DuckDB's own jemalloc two that give
 * back after half a second. Giving back at once cost 15 % of the wall time of the light case (pages faulted in again) and
 * saved 35 of 360 MiB.
 */
const ALLOCATORS = {
  MALLOC_ARENA_MAX: '2',
  DUCKDB_JE_MALLOC_CONF: 'narenas:2,dirty_decay_ms:500,muzzy_decay_ms:500',
} as const;

const isSource = import.meta.url.endsWith('.ts');

/** The entry of a scorer child. */
export const SCORER_ENTRY = new URL(isSource ? '../scorer-main.ts' : './scorer-main.js', import.meta.url);

/**
 * The environment of a scorer child. ONNX Runtime reads two variables of its own: its builds for Linux send usage data to
 * their maker, and keep an id of the machine for that, unless told not to. And with ORT_LOAD_CONFIG_FROM_MODEL the model's
 * own metadata would set session options, such as a profile written to disk.
 */
export function scorerEnvironment(tf32 = false): NodeJS.ProcessEnv {
  const { ORT_LOAD_CONFIG_FROM_MODEL: _, ...rest } = process.env;
  const libraryPath = scorerLibraryPath(rest);
  return {
    // GPUs count as nvidia-smi counts them, unless the user says otherwise.
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
    ...rest,
    ...ALLOCATORS,
    // Read by the loader when a process starts, so it cannot wait until the job is known.
    ...(libraryPath === '' ? {} : { LD_LIBRARY_PATH: libraryPath }),
    // CUDA's own variable: the provider's option for TF32 does not pass through the Node binding.
    NVIDIA_TF32_OVERRIDE: tf32 ? undefined : '0',
    ORT_DISABLE_TELEMETRY: '1',
    NODE_COMPILE_CACHE: getCompileCacheDir() ?? '',
  };
}

/** The scorer child that a command starts first of all. */
export const spareScorer = new SpareChild(() => forkScorer(SCORER_ENTRY, scorerEnvironment()));
