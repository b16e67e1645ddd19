import type { Ensemble } from '../trees/ensemble.ts';

/**
 * A kernel as plain data: a process that has neither the model nor its trees can score with it. Addresses are those of the kernel's memory.
 */
export interface KernelImage {
  readonly name: 'bit vectors' | 'row';
  readonly features: number;
  readonly targets: number;
  readonly values: Ensemble['values'];
  readonly sums: Ensemble['sums'];
  /** What the sum of each target begins with. */
  readonly start: Float64Array<ArrayBuffer>;
  /** Where rows are put, and where their sums are found. */
  readonly input: number;
  readonly output: number;
  /** The WebAssembly module. */
  readonly code: Uint8Array<ArrayBuffer>;
  /** All of its memory, whole pages. */
  readonly memory: Uint8Array<ArrayBuffer>;
}

const PAGE = 65_536;
/** Another process copies an image in one go, which would keep its event loop. */
export const MOST_IMAGE_BYTES = 2 ** 24;

/** What both kinds of image begin with. */
export function imageOf(
  ensemble: Ensemble,
  parts: Pick<KernelImage, 'name' | 'input' | 'output' | 'code'> & { readonly memory: WebAssembly.Memory },
): KernelImage {
  const { features, targets, values, sums, base, baseAdded } = ensemble;
  const start = baseAdded === 'first' ? Float64Array.from(base) : new Float64Array(targets);
  return { ...parts, features, targets, values, sums, start, memory: new Uint8Array(parts.memory.buffer) };
}

/** The functions of an image over a memory: its own, or one that has its bytes. */
export function instanceOf<Exports>({ code, memory }: KernelImage, own?: WebAssembly.Memory): Running<Exports> {
  const used = own ?? new WebAssembly.Memory({ initial: memory.length / PAGE });
  if (own === undefined) new Uint8Array(used.buffer).set(memory);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code), { m: { memory: used } });
  return { exports: exports as Exports, buffer: used.buffer };
}

interface Running<Exports> {
  readonly exports: Exports;
  readonly buffer: ArrayBuffer;
}
