import type { PlannedChunk, PlannedFile } from '../../base/contract/plan.ts';
import type { ChunkResult } from '../../base/contract/records.ts';
import type { ModelInfo } from '../../base/contract/signature.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import type { ChildLaunch, ScorerProcess } from './scorer-process.ts';

/** Attempts at one thing, each by another child. */
export const MAX_ATTEMPTS = 3;
const MAX_DEATHS = 6;
/** Steps of `BATCH_STEP` until any batch is one row: a child that is over its share then cannot hold one. */
export const MOST_SHORTAGES = 5;

// A further child costs half a second of two cores: it must have work for four times that.
const WORTH_MS = 2000;
const BUSY = 0.85;
const BUSY_BEATS = 2;
/** A child that went over its share has a successor whose batches have so many times fewer rows. */
const BATCH_STEP = 8;
/** Chunks that a child fetches or decodes at a time: it decodes one, and has the next one ready. */
const DECODING = 2;

export interface ChunkTask {
  readonly runId: string;
  readonly chunk: PlannedChunk;
  /** Of the run's plan. */
  readonly files: readonly PlannedFile[];
  readonly onRows: (rows: number) => void;
}

export interface QueuedTask extends ChunkTask {
  attempt: number;
  /** Children that went over their share of memory over it. */
  shortages: number;
  rows: number;
  resolve(result: ChunkResult & { readonly attempt: number }): void;
  reject(error: PrescoreError): void;
}

/** A place of the pool: the child that holds it now, and what it is doing. */
export interface Seat {
  readonly threads: number;
  process: ScorerProcess;
  ready: Promise<ModelInfo | null>;
  isReady: boolean;
  /** Deaths since the last finished chunk: a child that cannot even start must not be started for ever. */
  deaths: number;
  /** Tasks in the child by request id, several where tiny chunks go together; hungry ones are decoded and leave room for the next. */
  readonly tasks: Map<number, { readonly tasks: readonly QueuedTask[]; isHungry: boolean }>;
  reductions: number;
  /** Heartbeats in a row in which the main thread had no time left. */
  busyBeats: number;
}

/** Whether a child takes one more chunk: one is decoded, the next one fetched meanwhile, the others are scored or written. */
export function hasRoom({ isReady, tasks, threads }: Seat): boolean {
  return isReady && tasks.size <= threads && [...tasks.values()].filter((t) => !t.isHungry).length < DECODING;
}

/** Whether its children died too often: it gets no other one. */
export function isGivenUp({ deaths }: Seat): boolean {
  return deaths > MAX_DEATHS;
}

/** Its child is the last one: what stands in its way stands in the way of any other. */
export function giveUp(seat: Seat): void {
  seat.deaths = MAX_DEATHS + 1;
}

/** Asks again, of the child that comes next, when one dies over it: for what changes nothing. Errors: those of `ask`. */
export async function outlive<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (!isDeath(error) || attempt >= MAX_ATTEMPTS) throw error;
    }
  }
}

/** Whether a child died over it, so that its seat has a next one. */
export function isDeath(error: unknown): boolean {
  return isPrescoreError(error) && error.code === 'SCORER_CRASHED';
}

/** The first seat whose child has the model. Errors, when none has: that of a child that died, and so has a successor, else the first. */
export async function firstReady(seats: readonly Seat[]): Promise<Seat> {
  try {
    return await Promise.any(seats.map((seat) => seat.ready.then(() => seat)));
  } catch (error) {
    if (!(error instanceof AggregateError)) throw error;
    throw error.errors.find(isDeath) ?? error.errors[0];
  }
}

/** Takes the busy share of a heartbeat down. */
export function noteBusy(seat: Seat, busy: number): void {
  seat.busyBeats = busy >= BUSY ? seat.busyBeats + 1 : 0;
}

/**
 * Whether one more child would pay, with work for `leftMs` queued. The threads of a light model wait for the one main thread
 * of their child, which packs their feeds; for any other model another child would only cost its start.
 */
export function isAnotherWorthIt(seats: readonly Seat[], leftMs: number): boolean {
  return leftMs >= WORTH_MS && seats.every((s) => s.isReady && s.busyBeats >= BUSY_BEATS);
}

/** How a child of `threads` threads is started, with less in flight for each time that memory was short. */
export function reduced(launch: ChildLaunch, reductions: number, threads: number): ChildLaunch {
  const options = { ...launch.options, threads };
  if (reductions === 0) return { ...launch, options };
  return {
    ...launch,
    options: {
      ...options,
      slabs: Math.max(2, options.slabs - reductions),
      batchDivisor: BATCH_STEP ** reductions,
      duckMemoryBytes: Math.max(64 * 1048576, options.duckMemoryBytes / 2 ** reductions),
    },
  };
}

/** The error of a task that is given up: where, and at which attempt. */
export function withChunk(error: PrescoreError, { chunk, runId, attempt }: QueuedTask): PrescoreError {
  const place = `chunk ${chunk.n} of ${runId}, attempt ${attempt}`;
  const where = error.details.where === undefined ? place : `${error.details.where} (${place})`;
  return new PrescoreError(error.code, { ...error.details, where, cause: error });
}

/** The error of a task that does not fit a child's share of memory, with one row in a batch. */
export function hungry({ code, details }: PrescoreError): PrescoreError {
  return new PrescoreError(code, {
    ...details,
    what: 'the scorer goes over its share of memory, with one row in a batch as well',
    fix: 'Raise execution.memory, or set a lower execution.scorers: fewer scorers have more each.',
  });
}
