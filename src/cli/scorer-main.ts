import { toPrescoreError } from '../errors/prescore-error.ts';
import { createStoreResolver } from '../object-store/open-store.ts';
import type { ToChild } from '../scorer/messages.ts';
import { ScorerChild } from '../scorer/scorer-child.ts';

/* The entry of a scorer child: builds its adapters and goes when its supervisor is gone. */
process.on('disconnect', () => process.exit(1));
// One line, no trace: the supervisor reports the death with its code and starts another child.
process.on('uncaughtException', (error: unknown) => {
  process.stderr.write(`scorer: ${toPrescoreError(error).message}\n`);
  process.exit(1);
});
// Signals go to the supervisor, which decides what becomes of a chunk.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

new ScorerChild(
  {
    send: (message) => {
      process.send?.(message, () => undefined);
    },
    onMessage: (listener) => {
      process.on('message', (message) => listener(message as ToChild));
    },
  },
  (stores) => createStoreResolver(stores, { env: process.env }),
).start();
