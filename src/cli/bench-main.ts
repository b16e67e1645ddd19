import { flushCompileCache } from 'node:module';
import { toPrescoreError } from '../base/errors/prescore-error.ts';
import { answerBench } from '../scoring/bench/bench-child.ts';
import type { BenchRequest } from '../scoring/bench/bench-messages.ts';

/* The entry of a bench child: inspects, changes or compares models, for one request, and goes when its parent is gone. */
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.on('uncaughtException', (error: unknown) => {
  process.stderr.write(`bench: ${toPrescoreError(error).message}\n`);
  process.exit(1);
});
// Signals go to the parent, which ends this process when it leaves.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

process.on('message', (request: BenchRequest) => {
  void answerBench(request, (message) => void process.send?.(message, () => undefined));
});

// It is ended with SIGKILL, which keeps no compiled code.
setTimeout(() => flushCompileCache?.(), 600).unref();
