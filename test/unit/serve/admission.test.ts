import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { Admission } from '../../../src/serve/admission.ts';
import { WorkMeter, weightOf } from '../../../src/serve/work-meter.ts';

const LIMITS = { inFlight: 10_000, queueTimeMs: 20, loopDelayMs: 60_000 };
const WEIGHT = weightOf('600');

/** An admission that has seen requests of a millisecond of CPU time each. */
async function learned(): Promise<Admission> {
  let usedMs = 0;
  const meter = new WorkMeter(() => usedMs);
  const admission = new Admission(LIMITS, meter);
  onTestFinished(() => admission.close());
  for (let i = 0; i < 100; i++) {
    admission.enter(WEIGHT);
    usedMs++;
    admission.leave(WEIGHT);
  }
  await sleep(200);
  expect(meter.waitingMs).toBe(0);
  return admission;
}

it('refuses work that goes on waiting, lets a burst through, and takes requests again when it is done', async () => {
  const admission = await learned();
  expect(admission.isOver()).toBe(false);
  for (let i = 0; i < 32; i++) admission.enter(WEIGHT);
  // More than may go on waiting, but only for a moment.
  expect(admission.isOver()).toBe(false);
  await sleep(130);
  expect(admission.isOver()).toBe(true);
  // What waits for a scorer is no work for the event loop.
  const { promise, resolve } = Promise.withResolvers<void>();
  const away = Array.from({ length: 31 }, () => admission.away(WEIGHT, () => promise));
  expect(admission.isOver()).toBe(false);
  resolve();
  await Promise.all(away);
  // A great deal at once is refused at once.
  for (let i = 0; i < 300; i++) admission.enter(WEIGHT);
  expect(admission.isOver()).toBe(true);
  for (let i = 0; i < 300; i++) admission.leave(WEIGHT);
  // What is left would do as a burst, but not so soon after a flood.
  expect(admission.isOver()).toBe(true);
  for (let i = 0; i < 32; i++) admission.leave(WEIGHT);
  expect(admission.isOver()).toBe(false);
});

it('refuses what is over inFlight', () => {
  const admission = new Admission({ ...LIMITS, inFlight: 2 });
  onTestFinished(() => admission.close());
  admission.enter();
  expect(admission.isOver()).toBe(false);
  admission.enter();
  expect(admission.isOver()).toBe(true);
  admission.leave();
  expect(admission.isOver()).toBe(false);
});
