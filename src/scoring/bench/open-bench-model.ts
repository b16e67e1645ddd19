import { readFile } from 'node:fs/promises';
import { type LoadedModel, loadModel } from '../../model/engine/load-model.ts';
import type { BenchModel } from './bench-messages.ts';

/** The model's file. Owns: the caller. */
export async function readBenchModel({ path }: BenchModel): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(path));
}

/** The model as a run on the CPU loads it. Errors: those of `loadModel`. */
export function openBenchModel(bytes: Uint8Array, { where }: BenchModel): Promise<LoadedModel> {
  return loadModel(bytes, null, { intraOpThreads: 1, device: 'cpu', trees: 'auto' }, where);
}
