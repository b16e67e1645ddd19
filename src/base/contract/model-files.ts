import type { Background } from './background.ts';

/** A file of weights beside a model's graph. */
export interface WeightsFile {
  /** As the graph names it: relative to the graph's folder, with slashes. */
  readonly name: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** The files of a model on this machine, in places that nobody changes while it is in use, and what else it is loaded with. */
export interface ModelFiles {
  /** The ONNX file, or the one that a trainer saved. `weights` lie beside it under their names. */
  readonly path: string;
  /** Absent: it is one file. */
  readonly weights?: readonly WeightsFile[];
  /** Beside which rows it is explained. */
  readonly background?: Background | null;
}

/** A model to be loaded. */
export interface ModelFile extends ModelFiles {
  /** Where it came from, for messages. */
  readonly where: string;
  /** What it must be: the digest of the file, or of all files where there are weights; null: whatever it is. */
  readonly sha256: string | null;
}
