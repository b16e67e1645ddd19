import type { FastifyReply } from 'fastify';

/** Aborted when the client goes before its answer is out. Made where it is needed: only requests that go live pay for it. */
export function goneSignal({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort();
  });
  return controller.signal;
}
