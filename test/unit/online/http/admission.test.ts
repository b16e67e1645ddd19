import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { Admission } from '../../../../src/online/http/admission.ts';
import { type Work, WorkMeter } from '../../../../src/online/http/work-meter.ts';

const LIMITS = { inFlight: 10_000, queueTimeMs: 20, loopDelayMs: 60_000 };

/** So many requests of 600 bytes come in. */
function enter(admission: Admission, count: number): Work[] {
  return Array.from({ length: count }, () => admission.enter('set', '600'));
}

function leave(admission: Admission, works: readonly Work[]): void {
  for (const work of works) admission.leave(work);
}

/** An admission that has seen requests of a millisecond of CPU time each. */
async function learned(): Promise<Admission> {
  let usedMs = 0;
  const meter = new WorkMeter(() => usedMs);
  const admission = new Admission(LIMITS, meter);
  onTestFinished(() => admission.close());
  for (let i = 0; i < 100; i++) {
    const work = enter(admission, 1);
    usedMs++;
    leave(admission, work);
  }
  await sleep(200);
  expect(meter.waitingMs).toBe(0);
  return admission;
}

it('refuses work that goes on waiting, lets a burst through, and takes requests again when it is done', async () => {
  const admission = await learned();
  expect(admission.isOver()).toBe(false);
  const burst = enter(admission, 32);
  // More than may go on waiting, but only for a moment.
  expect(admission.isOver()).toBe(false);
  await sleep(130);
  expect(admission.isOver()).toBe(true);
  // What waits for a scorer is no work for the event loop.
  const { promise, resolve } = Promise.withResolvers<void>();
  const away = burst.slice(1).map((work) => admission.away(work, () => promise));
  expect(admission.isOver()).toBe(false);
  resolve();
  await Promise.all(away);
  // A great deal at once is refused at once.
  const flood = enter(admission, 300);
  expect(admission.isOver()).toBe(true);
  leave(admission, flood);
  // What is left would do as a burst, but not so soon after a flood.
  expect(admission.isOver()).toBe(true);
  leave(admission, burst);
  expect(admission.isOver()).toBe(false);
});

it('refuses what is over inFlight', () => {
  const admission = new Admission({ ...LIMITS, inFlight: 2 });
  onTestFinished(() => admission.close());
  const first = enter(admission, 1);
  expect(admission.isOver()).toBe(false);
  enter(admission, 1);
  expect(admission.isOver()).toBe(true);
  leave(admission, first);
  expect(admission.isOver()).toBe(false);
});
