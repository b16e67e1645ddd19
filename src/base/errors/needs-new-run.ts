import type { PrescoreError } from './prescore-error.ts';

const CODES: ReadonlySet<string> = new Set(['RUN_INCOMPATIBLE', 'RUN_OTHER_DEFINITION', 'INPUT_CHANGED', 'INPUT_GONE']);

/** Whether a plan cannot go on as it is, so that only a new run of the slot would. */
export function needsNewRun({ code }: PrescoreError): boolean {
  return CODES.has(code);
}
