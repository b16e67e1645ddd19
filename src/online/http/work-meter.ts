const LOOK_MS = 100;
const SHARE = 0.3;
/** Weight of a window below which it says little about the cost. */
const FEWEST = 20_000;
/** What a request costs beside its bytes, in bytes. */
const BASE = 400;
/** No window changes a price by more than this factor. */
const MOST_CHANGE = 2;

/** Requests that cost about as much a byte: those for one set, or of one route. Owned by a meter. */
export interface WorkKind {
  /** Weight of what is in work; and of what was finished since the last look. */
  weight: number;
  finished: number;
  /** CPU milliseconds of a unit of weight; 0 until it is known. */
  price: number;
}

/** What a request is for the event loop. */
export interface Work {
  readonly kind: WorkKind;
  /** Bytes that stand for it: one key in a small body, or a thousand in a large one. */
  readonly weight: number;
}

/**
 * How much work waits for the event loop, in milliseconds of its CPU time: the weight of requests that are in work, times what
 * a unit of weight of their kind has cost lately. CPU time, not wall time: a machine that is busy with other things is no reason
 * to refuse.
 */
export class WorkMeter {
  private readonly kinds = new Map<string, WorkKind>();
  private readonly usedMs: () => number;
  private cpuMs: number;
  private lookedAt = performance.now();
  /** CPU milliseconds of a unit of weight in the last window, whatever its kind. */
  private average = 0;

  /** `usedMs` gives the CPU time that the event loop has had so far. */
  constructor(usedMs: () => number = loopCpuMs) {
    this.usedMs = usedMs;
    this.cpuMs = usedMs();
  }

  /** Milliseconds of work that are waiting or being done; 0 until something is known of the cost. */
  get waitingMs(): number {
    let ms = 0;
    for (const { weight, price } of this.kinds.values()) ms += Math.max(0, weight) * price;
    return ms;
  }

  /** The work of a request with so many bytes. Kinds are kept for good: there must be few names. */
  work(name: string, contentLength: string | number | undefined): Work {
    let kind = this.kinds.get(name);
    if (kind === undefined) {
      kind = { weight: 0, finished: 0, price: this.average };
      this.kinds.set(name, kind);
    }
    const bytes = Number(contentLength ?? 0);
    return { kind, weight: BASE + (Number.isFinite(bytes) ? bytes : 0) };
  }

  /** Work begins, or comes back from where it needed no event loop. */
  add({ kind, weight }: Work): void {
    kind.weight += weight;
  }

  /** Work waits for something else. */
  remove({ kind, weight }: Work): void {
    kind.weight -= weight;
  }

  /** Work is done. */
  finish({ kind, weight }: Work): void {
    kind.weight -= weight;
    kind.finished += weight;
  }

  /** Looks at what was done since the last look; call it often. */
  look(now = performance.now()): void {
    if (now - this.lookedAt < LOOK_MS) return;
    const cpuMs = this.usedMs();
    const done = [...this.kinds.values()].filter(({ finished }) => finished > 0);
    const finished = done.reduce((sum, kind) => sum + kind.finished, 0);
    if (finished >= FEWEST) {
      const costMs = cpuMs - this.cpuMs;
      this.average = costMs / finished;
      learn(done, costMs, this.average);
    }
    for (const kind of done) kind.finished = 0;
    this.cpuMs = cpuMs;
    this.lookedAt = now;
  }
}

/**
 * Brings prices nearer to what a window cost. That is known of all kinds together alone: a kind bears the more of the error the
 * more of the whole it was thought to cost (normalized least mean squares), so that windows of other mixtures tell kinds apart.
 */
function learn(done: readonly WorkKind[], costMs: number, average: number): void {
  for (const kind of done) if (kind.price === 0) kind.price = average;
  const thought = done.map(({ finished, price }) => finished * price);
  const error = costMs - thought.reduce((sum, ms) => sum + ms, 0);
  const power = thought.reduce((sum, ms) => sum + ms * ms, 0);
  if (power === 0) return;
  for (const [i, kind] of done.entries()) {
    const factor = 1 + (SHARE * error * thought[i]!) / power;
    kind.price *= Math.min(MOST_CHANGE, Math.max(1 / MOST_CHANGE, factor));
  }
}

// Of this thread where Node can tell (22.19, 23.9 and newer), else of all threads of the process.
function loopCpuMs(): number {
  const used = process.threadCpuUsage?.() ?? process.cpuUsage();
  return (used.user + used.system) / 1000;
}
