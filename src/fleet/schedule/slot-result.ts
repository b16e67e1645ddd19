import type { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { Ending } from './schedule-records.ts';
import type { SlotResult } from './slot-runner.ts';
import type { Happening, SlotOutcome } from './slot-state.ts';

/** What the result of a launch means for its slot; `until`: when waiting for input ends. Units: milliseconds. */
export function happeningOf(slot: number, result: SlotResult, until: number): Happening {
  switch (result.kind) {
    case 'ran':
      return { kind: 'ran', slot };
    case 'waiting':
      return { kind: 'waiting', slot, until };
    case 'owned':
      return { kind: 'owned', slot };
    case 'superseded':
      return { kind: 'over', slot, outcome: 'superseded' };
    case 'stopped':
      return { kind: 'lost', slot };
    case 'failed':
      return { kind: 'failed', slot, isFinal: result.failures.some((f) => !f.retryable) };
  }
}

/** A result whose runs are committed but could not be published. */
export function withFailure(result: SlotResult | undefined, error: PrescoreError): SlotResult {
  return { kind: 'failed', done: result?.done ?? [], failures: [error], why: null };
}

/** The record of a slot's end. */
export function endingOf(
  slot: number,
  outcome: SlotOutcome,
  result: SlotResult | null,
  by: string,
  at: number,
): Ending {
  const [failure] = result?.failures ?? [];
  const done = result?.done ?? [];
  const waited =
    result?.kind === 'waiting' ? { code: 'INPUT_NOT_FOUND', message: result.why ?? 'no input came' } : null;
  return {
    slot: isoTime(slot),
    outcome,
    runs: done.map((d) => d.runId),
    rows: done.reduce((sum, d) => sum + d.rows, 0),
    rejected: done.reduce((sum, d) => sum + d.rejected, 0),
    error:
      outcome !== 'failed' ? null : failure === undefined ? waited : { code: failure.code, message: failure.message },
    by,
    at,
  };
}

/** `2026-11-21T02:00:00Z`. */
export function isoTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
