import type { ModelKind, ModelLineage } from '../../base/contract/registry.ts';
import type { TensorType } from '../../base/contract/signature.ts';

/** A model of another tool whose files lie on this machine, as nobody has opened it yet. */
export interface ForeignModel {
  /** What it is called where it comes from; null where nothing says so. */
  readonly name: string | null;
  /** Holds the files under the names that prescore knows them by, and nothing else. */
  readonly folder: string;
  /** `model.onnx`, `model.txt`, `model.ubj`, `model.json` or `model.cbm`, in `folder`. */
  readonly main: string;
  readonly kind: ModelKind;
  readonly declared: DeclaredSignature | null;
  readonly lineage: ModelLineage;
  /** Where it comes from, for messages. */
  readonly where: string;
}

/** What the other tool says that the model takes and gives; null where it says nothing of it. */
export interface DeclaredSignature {
  /** Who says so: `MLmodel`, `config.pbtxt`. */
  readonly by: string;
  /** The tool itself would not load a model that contradicts it. */
  readonly isBinding: boolean;
  readonly inputs: readonly DeclaredValue[] | null;
  readonly outputs: readonly DeclaredValue[] | null;
}

/** A tensor, or a column of a table (`dims` null). */
export interface DeclaredValue {
  readonly name: string | null;
  /** Null for types that no tensor has. */
  readonly type: TensorType | null;
  /** As the tool writes it. */
  readonly declared: string;
  readonly dims: readonly (number | null)[] | null;
}
