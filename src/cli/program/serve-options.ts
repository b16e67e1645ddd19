import type { Command } from 'commander';
import { logLevel, parseCount } from './parse-options.ts';

const EXAMPLES = `
Examples:
  prescore serve serve.yaml --check                 is the file right?
  prescore serve serve.yaml                         until Ctrl-C or SIGTERM; requests in work are finished first

The smallest serve file, over the set of a job:

  prescore-serve: 1
  listen: { host: 127.0.0.1, port: 8080 }
  sets:
    flight-delay: { job: job.yaml }

  curl -s localhost:8080/v1/predictions/flight-delay -H 'content-type: application/json' -d '{"key": "UA1545"}'

Every key: prescore help serve-file.`;

/** Adds `serve`; the command is loaded when it is used. */
export function addServe(program: Command, done: (code: number) => void): void {
  program
    .command('serve')
    .description('answer over HTTP: from prediction sets first, by live inference second')
    .argument('<file>', 'serve file (YAML or JSON)')
    .option('--check', 'validate the file, its jobs and its keys, then end')
    .option('--port <n>', 'another port than listen.port', parseCount)
    .option('--grace <duration>', 'how long requests in work may take after a signal', '25s')
    .option('--drain <duration>', 'how long new requests are still taken after a signal, with readiness off', '1s')
    .option('--allow-unpinned', 'accept models without sha256')
    .option('--insecure-no-auth', 'answer everybody, on any address')
    .addOption(logLevel())
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, flags) =>
      done(await (await import('../services/serve-command.ts')).serveCommand(file, flags)),
    );
}
