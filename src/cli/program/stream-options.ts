import type { Command } from 'commander';
import { logLevel, parseCount } from './parse-options.ts';

/** Adds `stream`; the command is loaded when it is used. */
export function addStream(program: Command, done: (code: number) => void): void {
  program
    .command('stream')
    .description(
      'score events of a Redis Stream as they come, into the prediction set of a job; any number of them together',
    )
    .argument('<file>', 'stream file (YAML or JSON)')
    .option('--name <name>', 'name in the consumer group, used by one process at a time; HOST:PID when left out')
    .option('--once', 'end when nothing is waiting: for a cron of your own')
    .option('--max-events <n>', 'end after so many events', parseCount)
    .option('--grace <duration>', 'how long events that are held may take after a signal', '25s')
    .option('--metrics <address>', 'HOST:PORT of /metrics, /health/live and /health/ready; loopback without HOST')
    .option('--allow-unpinned', 'accept a model without sha256')
    .addOption(logLevel())
    .action(async (file: string, flags) =>
      done(await (await import('../services/stream-command.ts')).streamCommand(file, flags)),
    );
}
