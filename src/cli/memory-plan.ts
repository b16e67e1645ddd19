import { PrescoreError } from '../errors/prescore-error.ts';

const MIB = 1048576;

/**
 * What a scorer needs at least, and what the rest is for. Measured with scripts/measure-memory (docs/memory.md): a
 * supervisor, a child with its libraries loaded, and a model's session as a multiple of its file.
 */
export const MEMORY = {
  supervisorBytes: 96 * MIB,
  childBytes: 200 * MIB,
  modelFactor: 4,
  minDuckBytes: 96 * MIB,
  maxDuckBytes: 1024 * MIB,
} as const;

export interface MemoryShare {
  readonly scorers: number;
  /** Resident bytes of one child at most. */
  readonly shareBytes: number;
  readonly duckMemoryBytes: number;
  readonly slabs: number;
  readonly heapMiB: number;
}

/**
 * Divides execution.memory among scorers. `auto` takes as many scorers as there are cores and as fit.
 *
 * Errors: MEMORY_TOO_SMALL with the least figure that would do.
 */
export function shareMemory(
  memoryBytes: number,
  scorers: number | 'auto',
  cores: number,
  modelBytes: number,
): MemoryShare {
  const perScorer = MEMORY.childBytes + MEMORY.modelFactor * modelBytes + MEMORY.minDuckBytes;
  const fits = Math.floor((memoryBytes - MEMORY.supervisorBytes) / perScorer);
  const wanted = scorers === 'auto' ? Math.max(1, Math.min(cores, fits)) : scorers;
  if (fits < wanted) {
    const least = Math.ceil((MEMORY.supervisorBytes + wanted * perScorer) / MIB);
    throw new PrescoreError('MEMORY_TOO_SMALL', {
      what: `${wanted} scorer${wanted === 1 ? '' : 's'} and this model need more memory`,
      where: 'execution.memory',
      expected: `at least ${least} MiB`,
      got: `${Math.floor(memoryBytes / MIB)} MiB`,
    });
  }
  const shareBytes = Math.floor((memoryBytes - MEMORY.supervisorBytes) / wanted);
  const spare = shareBytes - perScorer;
  const duckMemoryBytes = Math.min(MEMORY.maxDuckBytes, MEMORY.minDuckBytes + Math.floor(spare / 2));
  return { scorers: wanted, shareBytes, duckMemoryBytes, slabs: 3, heapMiB: 96 };
}
