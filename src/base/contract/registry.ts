import type { Location } from './object-store.ts';
import type { Signature } from './signature.ts';

/** How a job, a server or a person names a model of a registry: `delay@production`, `delay/7`, `delay@sha256:…`. */
export type ModelRef = { readonly name: string } & (
  | { readonly by: 'label'; readonly label: string }
  | { readonly by: 'version'; readonly version: number }
  | { readonly by: 'digest'; readonly digest: string }
);

/** What wrote a version's file, and so how it is read. */
export type ModelKind = 'onnx' | 'lightgbm' | 'xgboost' | 'catboost';

/** A file of a version, below the version's folder. */
export interface RegistryFile {
  /** With slashes, relative to the version's folder. */
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** `<registry>/<name>/<version>/version.json`: written last, once; a version without it is unfinished, or of a plain model folder. */
export interface VersionRecord {
  readonly format: 1;
  readonly name: string;
  readonly version: number;
  /** Of the model as jobs pin it: the sha256 of one file, or of the graph and its weights together (`digestOfFiles`). */
  readonly digest: string;
  /** The path of the file that is loaded, such as `model.onnx` or `model.txt`. */
  readonly main: string;
  /** All files: that of `main` first, then its weights as the graph names them, then what only came along. */
  readonly files: readonly RegistryFile[];
  /** How many of `files` are the model (main and weights); the others are not in the digest. */
  readonly modelFiles: number;
  readonly kind: ModelKind;
  /** Null where it was added without being opened. */
  readonly signature: Signature | null;
  /** Domain -> opset version, of an ONNX file. */
  readonly opset: Readonly<Record<string, number>> | null;
  readonly lineage: ModelLineage;
  /** ISO, UTC, milliseconds. */
  readonly createdAt: string;
  /** Who added it: `user@host`, or what --by said. */
  readonly createdBy: string;
  readonly note: string | null;
}

/** Where a version comes from, as far as somebody said so; every field may be null. */
export interface ModelLineage {
  readonly trainedAt: string | null;
  readonly dataset: {
    readonly uri: string | null;
    readonly sha256: string | null;
    readonly rows: number | null;
    /** Of the tracking server: its name and digest for the data. */
    readonly name?: string | null;
    readonly digest?: string | null;
  } | null;
  readonly params: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, number>>;
  readonly code: { readonly commit: string | null; readonly repository?: string | null } | null;
  readonly source: {
    readonly kind: 'file' | 'mlflow' | 'mlmodel' | 'triton';
    readonly uri: string;
    readonly runId: string | null;
    readonly version: string | null;
  } | null;
  /** `name/version` that this one was made from. */
  readonly parent: string | null;
}

/** Nothing is known of where a version comes from. */
export const NO_LINEAGE: ModelLineage = {
  trainedAt: null,
  dataset: null,
  params: {},
  metrics: {},
  code: null,
  source: null,
  parent: null,
};

/** `<registry>/<name>/_labels/<n>.json`: one link of the chain; the highest `n` holds today's labels. */
export interface LabelRecord {
  readonly format: 1;
  /** 1, 2, 3 … without gaps. */
  readonly n: number;
  /** ISO, UTC, milliseconds. */
  readonly at: string;
  readonly by: string;
  readonly reason: string;
  /** All labels of the name after this move -> version. */
  readonly labels: Readonly<Record<string, number>>;
  /** Sha256 of the bytes of record n - 1; null of the first. */
  readonly prev: string | null;
  /** What the move stands on: URIs of reports. */
  readonly evidence: readonly string[];
  /** All versions that were deleted so far, ascending: a label cannot move to one. A deletion is a link of its own, so that it and a move cannot pass each other. */
  readonly removed: readonly number[];
}

/** `<registry>/<name>/<version>/tombstone.json`: the version was deleted, and its number is never used again. */
export interface TombstoneRecord {
  readonly format: 1;
  readonly at: string;
  readonly by: string;
  readonly reason: string;
  readonly digest: string;
}

/** What a reference names now. */
export interface ResolvedModel {
  /** As it was asked for, in words: `delay@production`. */
  readonly ref: string;
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  /** Of the file that is loaded; its weights lie beside it under their names. */
  readonly location: Location;
  /** Null for a version of a plain model folder, which has a digest file alone. */
  readonly record: VersionRecord | null;
  /** The link of the chain that said so (`n`), for a label. */
  readonly labelMove: number | null;
}

/** `plain`: of a model folder or a Triton repository, without a record. `unfinished`: its adder is at work, or dead. */
export type VersionState = 'ready' | 'plain' | 'unfinished' | 'deleted';

/** A version as lists show it. */
export interface ListedVersion {
  readonly name: string;
  readonly version: number;
  readonly state: VersionState;
  /** Null of a plain version without a digest file. */
  readonly digest: string | null;
  readonly record: VersionRecord | null;
  readonly tombstone: TombstoneRecord | null;
  /** Labels that name it now, sorted. */
  readonly labels: readonly string[];
}

/** A model to be added, its files on this machine. */
export interface NewVersion {
  readonly name: string;
  /** A folder, and the paths in it (with slashes): that of the model first, then its weights, then what comes along. */
  readonly folder: string;
  readonly files: readonly RegistryFile[];
  readonly modelFiles: number;
  readonly digest: string;
  readonly kind: ModelKind;
  readonly signature: Signature | null;
  readonly opset: Readonly<Record<string, number>> | null;
  readonly lineage: ModelLineage;
  readonly by: string;
  readonly note: string | null;
}

/** A move of one label of a name. */
export interface LabelMove {
  readonly name: string;
  readonly label: string;
  /** Null: the label is taken away. */
  readonly version: number | null;
  readonly by: string;
  readonly reason: string;
  readonly evidence: readonly string[];
  /** The version that the mover believes the label to name (null: none); left out: whatever it names. */
  readonly expected?: number | null;
}

/** Reading a registry, which needs no right to write: jobs, servers, lists. */
export interface RegistryReader {
  readonly uri: string;
  /** Errors: REGISTRY_UNKNOWN for a name, version, label or digest that is not there, with what is; those of the store. */
  resolve(ref: ModelRef): Promise<ResolvedModel>;
  /** Names of models, sorted. Errors: those of the store. */
  names(): Promise<readonly string[]>;
  /** Versions of a name, highest first, deleted ones too. Errors: those of the store. */
  versions(name: string): Promise<readonly ListedVersion[]>;
  /** The newest link of the chain; null when no label was ever set. Errors: REGISTRY_CORRUPT; those of the store. */
  labels(name: string): Promise<LabelRecord | null>;
  /** The whole chain, oldest first, its hashes checked. Errors: REGISTRY_CORRUPT; those of the store. */
  history(name: string): Promise<readonly LabelRecord[]>;
}

export interface RegistryWriter extends RegistryReader {
  /**
   * Adds a version under the next number, or answers the one that has the digest already. The bytes are copied and hashed again on the way.
   * An unfinished version of the same files is finished, whoever began it.
   *
   * Errors: USAGE for names that cannot be; INPUT_CHANGED for files that are not what `version` says; STORE_CONFIG where the store admits two
   * winners; those of the store. Repeat: safe.
   */
  add(version: NewVersion): Promise<{ readonly record: VersionRecord; readonly isNew: boolean }>;
  /** Errors: REGISTRY_UNKNOWN, LABEL_MOVED (exit code 7) when somebody else moved it first, with what is there now; those of the store. */
  move(move: LabelMove): Promise<LabelRecord>;
  /**
   * Deletes a version: a link of the chain, the tombstone, then its files. Errors: REGISTRY_IN_USE when a label names it; REGISTRY_UNKNOWN;
   * those of the store. Repeat: safe.
   */
  remove(name: string, version: number, by: string, reason: string): Promise<TombstoneRecord>;
  /** What no label, no use and no young claim needs; removed with `isApplied`. Errors: those of the store. */
  collect(name: string, options: CollectOptions): Promise<readonly CollectedVersion[]>;
}

export interface CollectOptions {
  /** So many of the newest versions stay. */
  readonly keep: number;
  /** Digest -> what uses it, in words: its versions stay. */
  readonly used: ReadonlyMap<string, string>;
  readonly by: string;
  readonly nowMs: number;
  /** False: only looks. */
  readonly isApplied: boolean;
}

/** A version that garbage collection looked at and did not keep as one of the newest. */
export interface CollectedVersion {
  readonly name: string;
  readonly version: number;
  readonly digest: string | null;
  /** Of its files. */
  readonly bytes: number;
  /** `deleted`: it went, or would. `abandoned`: a claim whose adder died, or what was left of one. `kept`: `why` says by what. */
  readonly outcome: 'deleted' | 'abandoned' | 'kept';
  readonly why: string;
}
