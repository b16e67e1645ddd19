import { type ModelLineage, NO_LINEAGE } from '../../base/contract/registry.ts';
import { takeFlavour, unreadForm } from './flavours.ts';
import type { ForeignFolder } from './foreign-folder.ts';
import type { ForeignModel } from './foreign-model.ts';
import { MLMODEL, type MlmodelFile, MOST_MLMODEL, readMlmodel } from './mlmodel-file.ts';
import { refused } from './refusals.ts';
import { takeFile, takeWeights } from './take-file.ts';

/** What is known of a model besides its folder. */
export interface MlmodelOrigin {
  readonly name: string | null;
  /** As MLflow calls it, or its folder: for the line that converts it. */
  readonly uri: string;
  /** Made of what MLmodel says. */
  lineage(file: MlmodelFile): ModelLineage;
}

/**
 * Takes a folder with an MLmodel file: the model's own file and weights are copied into the empty `folder`.
 *
 * Errors: IMPORT_REFUSED; those of the place and of the disk.
 */
export async function takeMlmodel(from: ForeignFolder, folder: string, origin: MlmodelOrigin): Promise<ForeignModel> {
  const bytes = await from.read(MLMODEL, MOST_MLMODEL);
  if (bytes === null) throw refused('there is no MLmodel file', from.where, 'Name the folder that holds it.');
  const file = readMlmodel(new TextDecoder().decode(bytes), from.where);
  const { kind, data } = takeFlavour(file, from.where, origin.uri);
  const taken = await takeFile(from, data, folder, (is) => unreadForm(kind, is, from.where, origin.uri));
  if (taken.kind !== kind) throw unreadForm(kind, `a model of ${taken.kind}`, from.where, origin.uri);
  if (kind === 'onnx') await takeWeights(from, data, folder);
  const { name } = origin;
  return { name, folder, ...taken, declared: file.signature, lineage: origin.lineage(file), where: from.where };
}

/** A folder of somebody's disk or bucket, as MLflow saves or downloads models. Errors: those of `takeMlmodel`. */
export function takeMlmodelFolder(from: ForeignFolder, folder: string): Promise<ForeignModel> {
  const lineage = ({ runId, createdAt }: MlmodelFile): ModelLineage => ({
    ...NO_LINEAGE,
    trainedAt: createdAt,
    source: { kind: 'mlmodel', uri: from.where, runId, version: null },
  });
  return takeMlmodel(from, folder, { name: null, uri: from.where, lineage });
}
