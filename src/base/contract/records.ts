import type { GrantedDevice, RunDevices } from './device.ts';
import type { WeightsFile } from './model-files.ts';
import type { StagedPart } from './object-store.ts';
import type { OutputColumn, TableVersion } from './plan.ts';
import type { TreeEngine } from './signature.ts';

/** A chunk's outcome as who scored it knows it. rowsIn = rowsScored + rowsRejected + rowsFiltered. */
export interface ChunkResult {
  readonly rowsIn: number;
  readonly rowsScored: number;
  readonly rowsRejected: number;
  /** Rows that the job's `where` leaves out, or a deletion vector; absent without either. */
  readonly rowsFiltered?: number;
  readonly rejectsByRule: Readonly<Record<string, number>>;
  /** Null when no row was scored. */
  readonly part: PartRecord | null;
  readonly rejects: RejectsRecord | null;
  readonly timings: ChunkTimings;
  /** Where it was scored, when that was not the CPU. */
  readonly device?: GrantedDevice | undefined;
}

/** `<state>/runs/<runId>/chunks/<n>.<k>.json`, put-if-absent; the highest k holds. */
export interface ChunkRecord extends ChunkResult {
  readonly format: 1;
  readonly runId: string;
  readonly n: number;
  readonly k: number;
  readonly attempt: number;
  readonly worker: string;
  /** ISO, UTC. */
  readonly finishedAt: string;
  /** The run that scored it and whose part it names, where a replay took it over. */
  readonly takenFrom?: string;
}

/** The rejects file of a chunk. */
export interface RejectsRecord {
  readonly key: string;
  readonly rows: number;
  readonly sha256: string;
  readonly size: number;
  /** The first entry, for messages: the file is not read again for them. */
  readonly example: RejectExample;
}

export interface RejectExample {
  readonly file: string;
  /** From 0; of a text file its line, from 1. */
  readonly row: number;
  readonly column: string;
  readonly rule: string;
  readonly message: string;
}

export interface PartRecord {
  /** File name within the output. */
  readonly name: string;
  readonly rows: number;
  readonly size: number;
  readonly sha256: string;
  readonly staged: StagedPart;
}

/** Milliseconds of wall time, and bytes. */
export interface ChunkTimings {
  readonly fetchMs: number;
  readonly decodeMs: number;
  readonly scoreMs: number;
  readonly encodeMs: number;
  readonly storeMs: number;
  readonly totalMs: number;
  readonly bytesRead: number;
  readonly batches: number;
  /** In which a batch ran: `scoreMs` without what JavaScript does around it. Absent in records of older versions. */
  readonly runMs?: number;
  /** Rows to which batches were halved because memory was short; absent when it was not. */
  readonly halvedTo?: number;
}

/** `<state>/manifests/<partition>/<n>.json`: the commit. */
export interface Manifest {
  readonly format: 1;
  readonly n: number;
  readonly runId: string;
  readonly job: string;
  readonly partition: string | null;
  readonly order: RunOrder;
  /** ISO, UTC. */
  readonly committedAt: string;
  readonly scoredAt: string;
  readonly outputUri: string;
  readonly rows: number;
  readonly rejected: number;
  /** Rows that the job's `where` left out, or a deletion vector; absent without either. */
  readonly filtered?: number;
  readonly rejectsByRule: Readonly<Record<string, number>>;
  readonly columns: readonly OutputColumn[];
  readonly parts: readonly ManifestPart[];
  readonly model: {
    readonly name: string;
    readonly version: string | null;
    readonly sha256: string;
    readonly uri: string;
    /** The files of weights beside the one that `uri` names; absent where there is one file. */
    readonly weights?: readonly WeightsFile[];
    /** What evaluated its trees, when that is not ONNX Runtime. */
    readonly engine?: TreeEngine;
    /** What a registry was asked for, and its URI; absent where the job names the file. */
    readonly ref?: string;
    readonly registry?: string;
  };
  readonly fingerprints: { readonly result: string; readonly resume: string };
  readonly versions: { readonly prescore: string; readonly duckdb: string; readonly onnxruntime: string };
  /** Absent in manifests of older versions, which knew the CPU alone. */
  readonly device?: RunDevices;
  /** Digest of the pinned inputs (uri, size, etag), to find "inputs changed since"; which versions of tables they are. */
  readonly inputs: {
    readonly files: number;
    readonly bytes: number;
    readonly digest: string;
    readonly tables?: readonly TableVersion[];
  };
}

export interface ManifestPart {
  readonly name: string;
  readonly rows: number;
  readonly size: number;
  readonly sha256: string;
}

/** Which of two runs is newer: slot, then plan creation time, then attempt. */
export interface RunOrder {
  /** The run's slot; of a run without a time the slot of the commit before it. Null before the first slot. */
  readonly logicalTime: string | null;
  readonly createdAt: string;
  readonly attempt: number;
}

/** `lease.<epoch>.json`: put-if-absent by a new owner, renewed in place by the owner. Saves work; the commit rules keep data right. */
export interface Lease {
  readonly epoch: number;
  readonly host: string;
  readonly bootId: string;
  readonly pid: number;
  /** Start of the process in clock ticks since boot, against reused pids; null where the system does not tell. */
  readonly processStart: number | null;
  readonly owner: string;
  /** ISO, UTC. */
  readonly acquiredAt: string;
  readonly expiresAt: string;
  readonly released: boolean;
}
