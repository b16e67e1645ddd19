const LOOK_MS = 100;
const SHARE = 0.3;
/** Weight of a window below which it says little about the cost. */
const FEWEST = 20_000;
/** What a request costs beside its bytes, in bytes. */
const BASE = 400;

/** Bytes that stand for the work of a request: one key in a small body, or a thousand in a large one. */
export function weightOf(contentLength: string | number | undefined): number {
  const bytes = Number(contentLength ?? 0);
  return BASE + (Number.isFinite(bytes) ? bytes : 0);
}

/**
 * How much work waits for the event loop, in milliseconds of its CPU time: the weight of requests that are in work, times what
 * a unit of weight has cost lately. CPU time, not wall time: a machine that is busy with other things is no reason to refuse.
 */
export class WorkMeter {
  private weight = 0;
  private finished = 0;
  private msPerUnit = 0;
  private readonly usedMs: () => number;
  private cpuMs: number;
  private lookedAt = performance.now();

  /** `usedMs` gives the CPU time that the event loop has had so far. */
  constructor(usedMs: () => number = loopCpuMs) {
    this.usedMs = usedMs;
    this.cpuMs = usedMs();
  }

  /** Milliseconds of work that are waiting or being done; 0 until something is known of the cost. */
  get waitingMs(): number {
    return Math.max(0, this.weight) * this.msPerUnit;
  }

  /** Work begins, or comes back from where it needed no event loop. */
  add(weight: number): void {
    this.weight += weight;
  }

  /** Work waits for something else. */
  remove(weight: number): void {
    this.weight -= weight;
  }

  /** Work is done. */
  finish(weight: number): void {
    this.weight -= weight;
    this.finished += weight;
  }

  /** Looks at what was done since the last look; call it often. */
  look(now = performance.now()): void {
    if (now - this.lookedAt < LOOK_MS) return;
    const cpuMs = this.usedMs();
    if (this.finished >= FEWEST) {
      const cost = (cpuMs - this.cpuMs) / this.finished;
      this.msPerUnit = this.msPerUnit === 0 ? cost : this.msPerUnit + SHARE * (cost - this.msPerUnit);
    }
    this.finished = 0;
    this.cpuMs = cpuMs;
    this.lookedAt = now;
  }
}

// Of this thread where Node can tell (22.19, 23.9 and newer), else of all threads of the process.
function loopCpuMs(): number {
  const used = process.threadCpuUsage?.() ?? process.cpuUsage();
  return (used.user + used.system) / 1000;
}
