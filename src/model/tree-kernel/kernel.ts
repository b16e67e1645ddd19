import type { KernelImage } from './kernel-image.ts';

/** Raw sums of rows: without divisor, and without a base that is added last. */
export interface TreeKernel {
  /** Where it can be sent to another process. */
  readonly image?: KernelImage;
  readonly name: 'bit vectors' | 'walk' | 'row' | 'plain';
  /**
   * Sums of `count` rows at `rows` ([count, features], row-major) go to `sums` ([count, targets]). Owns: both stay the caller's.
   */
  sum(rows: Float32Array | Float64Array, count: number, sums: Float32Array | Float64Array): void;
}

/** A kernel that can be sent to another process. Owns: the image's memory is the kernel's own. */
export interface PortableKernel extends TreeKernel {
  readonly image: KernelImage;
}
