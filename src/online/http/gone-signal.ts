import type { FastifyReply } from 'fastify';
import type { CancelSignal } from '../../base/contract/live-model.ts';
import { Cancel } from './cancel.ts';

/** Aborted when the client goes before its answer is out. Made where it is needed: only requests that go live pay for it. */
export function goneSignal({ raw }: FastifyReply): CancelSignal {
  const cancel = new Cancel();
  raw.once('close', () => {
    if (!raw.writableFinished) cancel.abort();
  });
  return cancel;
}
