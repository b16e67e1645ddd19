import type { AddressInfo } from 'node:net';
import type { ModelHost } from '../../src/base/contract/live-model.ts';
import type { ServeLimits } from '../../src/base/contract/serve-config.ts';
import { createLogger } from '../../src/base/telemetry/logger.ts';
import { startGrpc } from '../../src/online/grpc/grpc-server.ts';
import type { Authenticator } from '../../src/online/http/access.ts';
import { Admission } from '../../src/online/http/admission.ts';
import { buildServer } from '../../src/online/http/http-server.ts';
import { parseBody } from '../../src/online/http/parse-body.ts';
import { Dataplane, type SeenInference } from '../../src/online/protocol/dataplane.ts';
import { registerProtocols } from '../../src/online/protocol/register-protocols.ts';

export const TEST_LIMITS: ServeLimits = {
  bodyBytes: 16 * 1024 * 1024,
  rows: 4096,
  keys: 1024,
  depth: 16,
  stringBytes: 64 * 1024,
  headerBytes: 8192,
  headerTimeMs: 5_000,
  requestTimeMs: 10_000,
  idleTimeMs: 5_000,
  connections: 64,
  inFlight: 256,
  queueTimeMs: 60_000,
  lookupTimeMs: 1_000,
  // The tests themselves keep the event loop.
  loopDelayMs: 60_000,
};

export interface ProtocolServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly grpcPort: number;
  readonly seen: readonly SeenInference[];
  whyNotReady: string | null;
  close(graceMs?: number): Promise<void>;
}

export interface ProtocolServerOptions {
  readonly auth?: Authenticator;
  readonly limits?: Partial<ServeLimits>;
  readonly deadlineMs?: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly logTo?: (line: string) => void;
}

/** Both doors of the protocols over a host, on free ports of the loopback, as `prescore serve` wires them. */
export async function startProtocols(host: ModelHost, options: ProtocolServerOptions = {}): Promise<ProtocolServer> {
  const limits = { ...TEST_LIMITS, ...options.limits };
  const admission = new Admission(limits);
  const log = createLogger('test', 'info', { write: options.logTo ?? (() => undefined) });
  const auth = options.auth ?? null;
  const tls = options.tls ?? null;
  const seen: SeenInference[] = [];
  const dataplane = new Dataplane({
    host,
    deadlineMs: options.deadlineMs ?? 10_000,
    maxDeadlineMs: 60_000,
    away: (weight, task) => admission.away(weight, task),
    observe: (inference) => seen.push(inference),
  });
  const state = { whyNotReady: null as string | null };
  const server = { name: 'prescore', version: '0.0.0' };
  const whyNotReady = () => state.whyNotReady;
  const app = buildServer({ host: '127.0.0.1', hosts: [], limits, auth, tls: null, log, admission });
  await registerProtocols(app, { dataplane, server, whyNotReady, parseJson: (bytes) => parseBody(bytes, limits) });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const grpc = await startGrpc({
    ...{ dataplane, server, whyNotReady, auth, tls, admission, log, host: '127.0.0.1', port: 0 },
    maxMessageBytes: limits.bodyBytes,
    maxConnectionIdleMs: 60_000,
  });
  return {
    url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
    grpcPort: grpc.port,
    seen,
    get whyNotReady() {
      return state.whyNotReady;
    },
    set whyNotReady(reason) {
      state.whyNotReady = reason;
    },
    close: async (graceMs = 1_000) => {
      await Promise.all([app.close(), grpc.close(graceMs)]);
      admission.close();
    },
  };
}
