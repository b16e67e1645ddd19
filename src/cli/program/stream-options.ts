import type { Command } from 'commander';
import { logLevel, parseCount } from './parse-options.ts';

const EXAMPLES = `
Examples:
  prescore stream stream.yaml                       until Ctrl-C or SIGTERM
  prescore stream stream.yaml --once                what is waiting, then end: a line of cron

The smallest stream file, for a job with predictions:

  prescore-stream: 1
  job: job.yaml
  stream: { redis: "redis://localhost:6379/0", key: events }

  redis-cli XADD events '*' customer_id 1000 age 40 income 2500     fields: the key of the set, and the features

Every key: prescore help stream-file.`;

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
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, flags) =>
      done(await (await import('../services/stream-command.ts')).streamCommand(file, flags)),
    );
}
