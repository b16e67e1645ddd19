import type { Job } from '../../src/base/contract/job.ts';
import type { RunDone } from '../../src/base/contract/run-events.ts';
import type { LaunchOutcome, LaunchRequest, RunLauncher } from '../../src/base/contract/run-launcher.ts';
import { PrescoreError } from '../../src/base/errors/prescore-error.ts';
import type { Clock } from '../../src/fleet/schedule/clock.ts';
import type { Decision, Ending, Mark, ScheduleRecords, SlotHold } from '../../src/fleet/schedule/schedule-records.ts';
import type { Life, VirtualWorld } from './virtual-world.ts';

const LEASE_MS = 60_000;

interface Lease {
  readonly life: Life;
  lost: () => void;
  released: boolean;
}

/** What all schedulers share, and the book of what was done: the object store of the virtual world. */
export class VirtualStore {
  readonly marks: Mark[] = [];
  readonly decisions = new Map<number, Decision>();
  readonly endings = new Map<number, Ending>();
  readonly leases = new Map<number, Lease>();
  /** Committed runs by logical time. */
  readonly commits = new Map<string, number>();
  /** Runs that are being scored now, by logical time. */
  readonly scoring = new Map<string, Lease>();
  /** When a slot was in work: from its decision to its end. */
  readonly busy: { readonly slot: number; readonly from: number; to: number }[] = [];
  readonly faults: string[] = [];
  launches = 0;
  publishes = 0;
  /** A planted fault: leases exclude nobody. */
  readonly areHoldsFree: boolean;

  constructor(areHoldsFree: boolean) {
    this.areHoldsFree = areHoldsFree;
  }
}

export function virtualRecords(world: VirtualWorld, store: VirtualStore, life: Life): ScheduleRecords {
  const ask = <T>(effect: () => T): Promise<T> => world.request(life, effect);
  return {
    newestMark: () => ask(() => store.marks.at(-1) ?? null),
    addMark: (mark) =>
      ask(() => {
        if (mark.n === store.marks.length + 1) store.marks.push(mark);
        return store.marks.at(-1)!;
      }),
    decision: (slot) => ask(() => store.decisions.get(slot) ?? null),
    decide: (slot, decision) =>
      ask(() => {
        const known = store.decisions.get(slot);
        if (known !== undefined) return known;
        store.decisions.set(slot, { ...decision, at: world.now });
        if (decision.take) store.busy.push({ slot, from: world.now, to: Number.POSITIVE_INFINITY });
        return decision;
      }),
    ending: (slot) => ask(() => store.endings.get(slot) ?? null),
    end: (slot, ending) =>
      ask(() => {
        const known = store.endings.get(slot);
        if (known !== undefined) return known;
        store.endings.set(slot, ending);
        const work = store.busy.find((b) => b.slot === slot);
        if (work !== undefined) work.to = world.now;
        return ending;
      }),
    hold: (slot) => ask(() => take(world, store, store.leases, slot, life)),
  };
}

/** A lease as in the ledger: another one may have it when it is released, or silent for its time. */
function take<K>(world: VirtualWorld, store: VirtualStore, leases: Map<K, Lease>, key: K, life: Life): SlotHold | null {
  const known = leases.get(key);
  const isLive = (lease: Lease): boolean =>
    !store.areHoldsFree &&
    !lease.released &&
    (lease.life.state === 'up' || world.now < lease.life.silentSince + LEASE_MS);
  if (known !== undefined && isLive(known)) return null;
  const lost = new AbortController();
  // The one before finds out when it renews.
  if (known !== undefined && !store.areHoldsFree) world.at(world.now + 1, known.life, known.lost);
  const lease: Lease = { life, released: false, lost: () => lost.abort() };
  leases.set(key, lease);
  return {
    lost: lost.signal,
    release: async () => {
      lease.released = true;
    },
  };
}

export function virtualClock(world: VirtualWorld, life: Life): Clock {
  return {
    now: () => world.now,
    until: (time, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const end = (): void => {
          forget();
          signal.removeEventListener('abort', end);
          resolve();
        };
        const forget = world.at(time, life, end);
        signal.addEventListener('abort', end);
      }),
  };
}

/** Stands for `run`: scores for a while under a lease of its own, commits once. `durationOf` in milliseconds. */
export function virtualLauncher(
  world: VirtualWorld,
  store: VirtualStore,
  life: Life,
  durationOf: (logicalTime: string) => number,
): RunLauncher {
  return {
    async launch({ logicalTime }: LaunchRequest, stop: AbortSignal): Promise<LaunchOutcome> {
      const time = logicalTime ?? '';
      const run = await world.request(life, () => {
        store.launches++;
        const slot = Date.parse(time);
        // Who was paused, and has lost the slot to another since, cannot know yet; the commit that is there keeps it from scoring.
        const isHeld = store.areHoldsFree || store.leases.get(slot)?.life === life;
        if (isHeld && store.endings.has(slot)) store.faults.push(`${time} launched after its end`);
        if (store.commits.has(time)) return 'committed';
        const hold = take(world, store, store.scoring, time, life);
        return hold ?? 'owned';
      });
      if (run === 'committed') return { kind: 'done', done: doneOf(time) };
      if (run === 'owned') return { kind: 'failed', error: new PrescoreError('RUN_OWNED', { what: 'in work' }) };
      const ended = await new Promise<boolean>((resolve) => {
        const signal = AbortSignal.any([stop, run.lost]);
        const cut = (): void => {
          forget();
          resolve(false);
        };
        const forget = world.at(world.now + durationOf(time), life, () => {
          signal.removeEventListener('abort', cut);
          resolve(true);
        });
        if (signal.aborted) cut();
        else signal.addEventListener('abort', cut);
      });
      if (ended) {
        await world.request(life, () => {
          // Who lost the run while it was paused finds it committed, or leaves it to its new owner.
          if (store.areHoldsFree || store.scoring.get(time)?.life === life)
            store.commits.set(time, (store.commits.get(time) ?? 0) + 1);
        });
      }
      await run.release();
      if (!ended) return { kind: 'failed', error: new PrescoreError('INTERRUPTED', { what: 'stopped' }) };
      return { kind: 'done', done: doneOf(time) };
    },
    publish: async (job: Job) => {
      await world.request(life, () => void store.publishes++);
      return { ...PUBLISHED, set: job.name };
    },
    close: async () => undefined,
  };
}

const PUBLISHED = {
  event: 'published',
  store: '',
  outcome: 'published',
  why: null,
  generation: 1,
  rows: 0,
  duplicates: 0,
  withoutKey: 0,
  pages: 0,
  bytes: 0,
  seconds: 0,
} as const;

function doneOf(time: string): RunDone {
  return {
    event: 'done',
    runId: time,
    partition: null,
    rows: 1,
    rejected: 0,
    rejectsByRule: {},
    rowsPerSecond: 0,
    seconds: 0,
    output: '',
    rejectsUri: null,
    parts: 1,
    bytes: 0,
    chunksResumed: 0,
    alreadyDone: false,
    committed: true,
    inputsChanged: 0,
    stages: { fetch: 0, decode: 0, model: 0, encode: 0, store: 0 },
    device: { asked: 'cpu', granted: [] },
    gpuIdle: null,
    scoringSeconds: null,
  };
}
