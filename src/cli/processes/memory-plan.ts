import { PrescoreError } from '../../base/errors/prescore-error.ts';

const MIB = 1048576;

/**
 * What a scorer needs at least. Measured: a supervisor and one child of two threads together had at most 240 MiB (PSS) over
 * 1.3 million rows and 253 MiB over 13 million, with 1 GiB allowed (bench/results/2026-11-21-memory.json). What the model takes is told
 * by `outlineModel`; `childBytes` has room for a small one.
 */
export const MEMORY = {
  supervisorBytes: 96 * MIB,
  childBytes: 200 * MIB,
  /** A model that takes more is loaded once in each child. */
  largeModelBytes: 256 * MIB,
  minDuckBytes: 96 * MIB,
  maxDuckBytes: 1024 * MIB,
  leastBatchBytes: 32 * MIB,
  /** What the driver and the libraries of a GPU may map into a child beside its share. Not measured: wide enough not to end a child that is well. */
  gpuHostBytes: 6144 * MIB,
} as const;

export interface MemoryShare {
  readonly scorers: number;
  /** Resident bytes of one child at most. */
  readonly shareBytes: number;
  readonly duckMemoryBytes: number;
  /** What one batch may need beside the model, in bytes: activations. */
  readonly batchBytes: number;
  /** ONNX Runtime threads of one child: two, where the memory has room for the model twice. */
  readonly threads: number;
  /** Slabs of one child: one for each thread, one that is packed, one that waits. */
  readonly slabs: number;
}

/**
 * Divides execution.memory among scorers. `auto` takes as many scorers as there are cores (`places`; on GPUs as there are of them)
 * and as fit. `modelBytes`: what the model takes when it is loaded. On GPUs every scorer has a child of its own, which holds one device.
 *
 * Errors: MEMORY_TOO_SMALL with the least figure that would do.
 */
export function shareMemory(
  memoryBytes: number,
  scorers: number | 'auto',
  places: number,
  modelBytes: number,
  isGpu = false,
): MemoryShare {
  const perScorer = leastBytes(modelBytes);
  const fits = Math.floor((memoryBytes - MEMORY.supervisorBytes) / perScorer);
  const wanted = scorers === 'auto' ? Math.max(1, Math.min(places, fits)) : scorers;
  if (fits < wanted) {
    const least = leastMiB(wanted, modelBytes);
    throw new PrescoreError('MEMORY_TOO_SMALL', {
      what: `${wanted} scorer${wanted === 1 ? '' : 's'} and this model need more memory`,
      where: 'execution.memory',
      expected: `at least ${least} MiB`,
      got: `${Math.floor(memoryBytes / MIB)} MiB`,
    });
  }
  const shareBytes = Math.floor((memoryBytes - MEMORY.supervisorBytes) / wanted);
  const hasRoom = modelBytes <= MEMORY.largeModelBytes && shareBytes - perScorer >= modelBytes;
  const threads = !isGpu && wanted > 1 && hasRoom ? 2 : 1;
  const spare = shareBytes - perScorer - (threads - 1) * modelBytes;
  const duckMemoryBytes = Math.min(MEMORY.maxDuckBytes, MEMORY.minDuckBytes + Math.floor(spare / 2));
  // Half of what is left when everything else has what it may use; what a child may have is a tenth less than its share.
  const left = 0.9 * shareBytes - perScorer - (threads - 1) * modelBytes - (duckMemoryBytes - MEMORY.minDuckBytes);
  const batchBytes = Math.max(MEMORY.leastBatchBytes, Math.floor(left / 2 / threads));
  return { scorers: wanted, shareBytes, duckMemoryBytes, batchBytes, threads, slabs: threads + 2 };
}

/** Says that `scorers: auto` got fewer scorers than there are cores or GPUs, and what would give one to each; null when it did not. */
export function saySmallMemory(
  { scorers }: MemoryShare,
  wanted: number | 'auto',
  places: number,
  memoryBytes: number,
  modelBytes: number,
  isGpu = false,
): string | null {
  if (wanted !== 'auto' || scorers >= places) return null;
  const [given, least] = [Math.floor(memoryBytes / MIB), leastMiB(places, modelBytes)];
  const gain = isGpu ? 'use every GPU' : 'give one a core';
  return `execution.memory of ${given} MiB has room for ${scorers} of ${places} scorers; ${least} MiB would ${gain}.`;
}

/** What so many scorers (`auto`: one) need at least with a model that takes so much, in bytes. */
export function leastMemory(scorers: number | 'auto', modelBytes: number): number {
  return MEMORY.supervisorBytes + (scorers === 'auto' ? 1 : scorers) * leastBytes(modelBytes);
}

function leastBytes(modelBytes: number): number {
  return MEMORY.childBytes + modelBytes + MEMORY.minDuckBytes;
}

function leastMiB(scorers: number, modelBytes: number): number {
  return Math.ceil((MEMORY.supervisorBytes + scorers * leastBytes(modelBytes)) / MIB);
}

/** Tables of contributions: of models from 10 kB to 2 MB 0.5 to 43 times their file, and never more than this (2^23 values, and their flags). */
const TABLE_BYTES_PER_BYTE = 45;
const MOST_TABLE_BYTES = 9 * 2 ** 23;

/** What contributions are likely to take in memory at most, of a model whose file has so many bytes. */
export function tableMemory(fileBytes: number): number {
  return Math.min(MOST_TABLE_BYTES, TABLE_BYTES_PER_BYTE * fileBytes);
}
