import { Server as TcpServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Logger } from '../../base/telemetry/logger.ts';
import type { Admission } from './admission.ts';

/** Without a request in work for this many looks, what is still connected is cut off. */
const QUIET_TICKS = 5;
const TICK_MS = 50;

export interface DrainOptions {
  /** How long everything goes on as before, but for readiness: a load balancer needs a moment to notice. */
  readonly drainMs: number;
  /** How long all of it may take. */
  readonly graceMs: number;
  readonly log: Logger;
}

/**
 * Ends a server without losing a request: readiness is off at once; then the port is closed, and each connection that is there
 * after its next answer, which says so. Connections are not told to close before the port is: their clients would come again
 * on new ones, and those that the system has taken but the process has not are reset when a port is closed.
 *
 * Errors: none.
 */
export async function drain(app: FastifyInstance, admission: Admission, options: DrainOptions): Promise<void> {
  const { drainMs, graceMs, log } = options;
  const until = performance.now() + graceMs;
  admission.isStopping = true;
  await sleep(Math.min(drainMs, graceMs));
  // Not the server's own way to close, which cuts connections between two requests without saying so.
  TcpServer.prototype.close.call(app.server);
  admission.isClosing = true;
  log.info({ inFlight: admission.inFlight }, 'no more connections are taken');
  for (let quiet = 0; quiet < QUIET_TICKS && performance.now() < until; ) {
    await sleep(TICK_MS);
    quiet = admission.inFlight === 0 && admission.entered === 0 ? quiet + 1 : 0;
    admission.entered = 0;
  }
  if (admission.inFlight > 0) log.warn({ inFlight: admission.inFlight }, 'grace is over: requests in work are cut off');
  app.server.closeAllConnections();
  await app.close();
}
