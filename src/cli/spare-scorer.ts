import { getCompileCacheDir } from 'node:module';
import { forkScorer } from '../scorer/fork-scorer.ts';
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
export const SCORER_ENTRY = new URL(isSource ? './scorer-main.ts' : './scorer-main.js', import.meta.url);

/**
 * The environment of a scorer child. ONNX Runtime reads two variables of its own: its builds for Linux send usage data to
 * their maker, and keep an id of the machine for that, unless told not to. And with ORT_LOAD_CONFIG_FROM_MODEL the model's
 * own metadata would set session options, such as a profile written to disk.
 */
export function scorerEnvironment(): NodeJS.ProcessEnv {
  const { ORT_LOAD_CONFIG_FROM_MODEL: _, ...rest } = process.env;
  return { ...rest, ...ALLOCATORS, ORT_DISABLE_TELEMETRY: '1', NODE_COMPILE_CACHE: getCompileCacheDir() ?? '' };
}

/** The scorer child that a command starts first of all. */
export const spareScorer = new SpareChild(() => forkScorer(SCORER_ENTRY, scorerEnvironment()));
