import type { ServeLimits } from '../../base/contract/serve-config.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { Backlog } from './backlog.ts';
import { type HttpAnswer, JSON_TYPE } from './http-answer.ts';
import { bodyOf, RETRY_AFTER_S } from './http-status.ts';
import { type Work, WorkMeter } from './work-meter.ts';

const TICK_MS = 20;
/** Of the work that may wait, what may wait under a flood. */
const FLOOD_SHARE = 1 / 3;
/** The kind of work that refusals are. */
const REFUSED = 'refused';
const REFUSAL: HttpAnswer = {
  status: 503,
  headers: { 'content-type': JSON_TYPE, 'retry-after': String(RETRY_AFTER_S) },
  body: JSON.stringify({
    error: bodyOf(new PrescoreError('SERVER_OVERLOADED', { what: 'too many requests in work' })),
  }),
};

type AdmissionLimits = Pick<ServeLimits, 'inFlight' | 'queueTimeMs' | 'loopDelayMs'>;

/**
 * Says whether one more request is taken: not when too many are in work, when those in work are more than the event loop does in
 * `queueTime`, nor when it runs late, which is how a process shows that it has more to do than it can. Live inference is given
 * up at half of the delay, so that lookups go on.
 */
export class Admission {
  inFlight = 0;
  /** Requests refused since the start. */
  refused = 0;
  /** Requests that came in since somebody last set it to 0. */
  entered = 0;
  /** Set by SIGTERM: the server is not ready any more. */
  isStopping = false;
  /** Set when the port is closed: answers then close their connection. */
  isClosing = false;
  /** Milliseconds by which the last two ticks came late, the lesser: one pause of the garbage collector is no overload. */
  loopDelayMs = 0;
  private readonly limits: AdmissionLimits;
  private readonly timer: NodeJS.Timeout;
  private readonly meter: WorkMeter;
  private readonly backlog: Backlog;

  constructor(limits: AdmissionLimits, meter = new WorkMeter()) {
    this.meter = meter;
    this.limits = limits;
    this.backlog = new Backlog(limits.queueTimeMs, FLOOD_SHARE * limits.queueTimeMs);
    let expected = performance.now() + TICK_MS;
    let before = 0;
    this.timer = setInterval(() => {
      const now = performance.now();
      const late = Math.max(0, now - expected);
      this.loopDelayMs = Math.min(before, late);
      before = late;
      expected = now + TICK_MS;
      this.meter.look(now);
    }, TICK_MS).unref();
  }

  /** A request comes in. `kind` is of few: all that cost about as much a byte. Returns what `leave` is to be given. */
  enter(kind: string, contentLength?: string | number): Work {
    const work = this.meter.work(kind, contentLength);
    this.inFlight++;
    this.entered++;
    this.backlog.took();
    this.meter.add(work);
    return work;
  }

  leave(work: Work): void {
    this.inFlight--;
    this.meter.finish(work);
  }

  /** While a request waits for a scorer it is no work for the event loop, and no reason to refuse lookups. */
  async away<T>(work: Work, task: () => Promise<T>): Promise<T> {
    this.meter.remove(work);
    try {
      return await task();
    } finally {
      this.meter.add(work);
    }
  }

  /** For whoever refuses then: it counts as a refusal. */
  isOver(): boolean {
    const { inFlight, loopDelayMs } = this.limits;
    return this.inFlight >= inFlight || this.loopDelayMs > loopDelayMs || this.backlog.isOver(this.meter.waitingMs);
  }

  /** Whether live inference should wait for better times. */
  isLate(): boolean {
    return this.loopDelayMs > this.limits.loopDelayMs / 2;
  }

  /** The answer to a request that is not taken; counts it, and what it costs. */
  refusal(contentLength: string | number | undefined): HttpAnswer {
    this.refused++;
    const work = this.meter.work(REFUSED, contentLength);
    this.meter.add(work);
    this.meter.finish(work);
    return REFUSAL;
  }

  close(): void {
    clearInterval(this.timer);
  }
}
