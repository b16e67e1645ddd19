import { isPrescoreError, toErrorJson, toPrescoreError } from '../../base/errors/prescore-error.ts';

/**
 * Prints an error the way the command line promises: one line on stderr with code, what, where, expected, got and what to
 * do (then its table, if it has one); with --json one object on stdout. Returns the exit code.
 */
export function reportError(error: unknown, options: { readonly isDebug: boolean; readonly isJson: boolean }): number {
  const known = toPrescoreError(error);
  if (options.isJson) process.stdout.write(`${JSON.stringify({ event: 'failed', error: toErrorJson(known) })}\n`);
  process.stderr.write(`${known.message}\n`);
  if (known.details.detail !== undefined && !options.isJson) process.stderr.write(`${known.details.detail}\n`);
  if (options.isDebug) {
    process.stderr.write(`${known.stack ?? ''}\n`);
    if (known.cause instanceof Error) process.stderr.write(`caused by ${known.cause.stack ?? known.cause.message}\n`);
  }
  return isPrescoreError(error) ? error.exitCode : known.exitCode;
}
