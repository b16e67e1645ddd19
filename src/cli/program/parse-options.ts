import { InvalidArgumentError, Option } from 'commander';
import { parseInstant } from '../../job/values/instant.ts';

/** A whole number from 1. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError('Give a whole number from 1.');
  return count;
}

/** `I/N`: share I of N. */
export function parseShard(text: string): { readonly index: number; readonly count: number } {
  const [, index, count] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  if (index === undefined || !(Number(index) < Number(count)))
    throw new InvalidArgumentError('Give I/N with I from 0 to N - 1, such as 0/4.');
  return { index: Number(index), count: Number(count) };
}

/** A date, or a time with a zone (a job file may leave it out, a shell has a TZ of its own); whole seconds. */
export function parseTime(text: string): string {
  const ms = /^\d{4}-\d{2}-\d{2}$|(Z|[+-]\d{2}:\d{2})$/.test(text) ? parseInstant(text) : null;
  if (ms === null)
    throw new InvalidArgumentError('Give a date (2026-11-21) or a time with a zone (2026-11-21T02:00:00Z).');
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** For options that may be given again. */
export function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

/** `--log-level`, of commands that stay. */
export function logLevel(): Option {
  return new Option('--log-level <level>', 'what is logged on stderr')
    .choices(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .env('PRESCORE_LOG_LEVEL');
}
