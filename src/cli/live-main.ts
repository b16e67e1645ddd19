import { Socket } from 'node:net';
import { toPrescoreError } from '../base/errors/prescore-error.ts';
import { LiveChild } from '../inference/child/live-child.ts';
import { watchParent } from '../inference/child/parent-watch.ts';

/* The entry of a live scorer child: its arguments are the pid of its parent; frames go through descriptor 3. */
process.on('uncaughtException', (error: unknown) => {
  process.stderr.write(`live scorer: ${toPrescoreError(error).message}\n`);
  process.exit(1);
});
// Signals go to the parent, which ends this process when it leaves.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
watchParent(Number(process.argv[2]));

const pipe = new Socket({ fd: 3, readable: true, writable: true });
pipe.on('close', () => process.exit(1));
pipe.on('error', () => process.exit(1));
new LiveChild({
  send: (frame) => {
    pipe.write(frame);
  },
  onData: (listener) => {
    pipe.on('data', listener);
  },
}).start();
