import { flushCompileCache } from 'node:module';
import { toPrescoreError } from '../base/errors/prescore-error.ts';
import type { ToChild } from '../scoring/child/messages.ts';
import { InferenceThreads } from '../scoring/thread/inference-threads.ts';

/* The entry of a scorer child: builds its adapters and goes when its supervisor is gone. */
// Not by exit, which waits for a batch or a session that is being opened, however long that hangs.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// One line, no trace: the supervisor reports the death with its code and starts another child.
process.on('uncaughtException', (error: unknown) => {
  process.stderr.write(`scorer: ${toPrescoreError(error).message}\n`);
  process.exit(1);
});
// Signals go to the supervisor, which decides what becomes of a chunk.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

// The inference thread starts first and loads ONNX Runtime and the model while this one loads DuckDB.
const ort = new InferenceThreads();
const { createStoreResolver } = await import('./wiring/open-store.ts');
const { ScorerChild } = await import('../scoring/child/scorer-child.ts');

new ScorerChild(
  {
    send: (message) => {
      process.send?.(message, () => undefined);
    },
    onMessage: (listener) => {
      process.on('message', (message) => listener(message as ToChild));
    },
  },
  ort,
  (stores) => createStoreResolver(stores, { env: process.env, isPatient: true }),
).start();

// A child is ended with SIGKILL, which keeps no compiled code: what was needed to start is kept here, for the next children.
setTimeout(() => flushCompileCache?.(), 600).unref();
