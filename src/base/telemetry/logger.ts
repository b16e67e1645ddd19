import { type Logger as PinoLogger, pino } from 'pino';

/** Lines of long-running commands: one JSON object each, with the fields that the caller bound. */
export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error' | 'level'> & {
  child(fields: Readonly<Record<string, unknown>>): Logger;
};

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * A structured logger: `{"level":"info","time":"2026-11-21T02:00:00.000Z","name":"schedule",…,"msg":"…"}`. Lines go to
 * standard error, at once: a process that is killed has told what it did. Fields hold ids and counts, never row values; user
 * information in URLs is blotted out.
 *
 * Errors: none.
 */
export function createLogger(
  name: string,
  level: LogLevel = 'info',
  stream: { write(text: string): unknown } = process.stderr,
): Logger {
  const options = {
    level,
    base: { name },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, { write: (line: string) => void stream.write(blotUserInfo(line)) });
}

function blotUserInfo(line: string): string {
  // The password of a Redis may hold a slash.
  return line.replace(/(rediss?(?:\+[a-z]+)?:\/\/)[^\s"]*@/gi, '$1…@').replace(/(:\/\/)[^/?#@\s"]*@/g, '$1…@');
}
