import type { ModelFile } from '../../base/contract/model-files.ts';
import { type LoadedModel, loadModelFile } from '../../model/engine/load-model.ts';

/** How a run on the CPU loads a model. */
export const AS_A_RUN = { intraOpThreads: 1, device: 'cpu', trees: 'auto' } as const;

/** The model as a run on the CPU loads it. Errors: those of `loadModelFile`. */
export function openBenchModel(model: ModelFile): Promise<LoadedModel> {
  return loadModelFile(model, AS_A_RUN);
}
