import type { AddressInfo } from 'node:net';
import type { CancelSignal } from '../../src/base/contract/live-model.ts';
import type { ServedSet } from '../../src/base/contract/serve-config.ts';
import { createLogger } from '../../src/base/telemetry/logger.ts';
import { Metrics } from '../../src/base/telemetry/metrics.ts';
import type { Authenticator } from '../../src/online/http/access.ts';
import { Admission } from '../../src/online/http/admission.ts';
import { buildServer } from '../../src/online/http/http-server.ts';
import type { DoneRequest } from '../../src/online/http/request-trace.ts';
import { addPredictionRoutes, plainPredictions } from '../../src/online/lookup/predictions-route.ts';
import { ServeMetrics } from '../../src/online/lookup/serve-metrics.ts';
import { SetServer } from '../../src/online/lookup/set-server.ts';
import { TEST_LIMITS } from './protocol-server.ts';

const CONFIG: ServedSet = {
  store: null,
  job: null,
  order: ['default'],
  maxAgeMs: null,
  staleForMs: null,
  cacheForMs: 0,
  negativeForMs: 0,
  features: { kind: 'request' },
  defaults: { y: 1 },
  writeBack: null,
};

export interface PlainServer {
  readonly url: string;
  readonly admission: Admission;
  readonly done: readonly (readonly [DoneRequest, number])[];
  close(): Promise<void>;
}

export interface PlainServerOptions {
  /** Whether whole POSTs go the short way. */
  readonly isPlain: boolean;
  readonly limits?: Partial<typeof TEST_LIMITS>;
  readonly auth?: Authenticator;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Awaited before an answer. */
  readonly hold?: (signal: CancelSignal) => Promise<void>;
}

/** The predictions endpoint over a set that answers every key with its default, on a free port of the loopback. */
export async function startPlainServer(options: PlainServerOptions): Promise<PlainServer> {
  const limits = { ...TEST_LIMITS, ...options.limits };
  const admission = new Admission(limits);
  const metrics = new ServeMetrics(new Metrics(), admission);
  const log = createLogger('test', 'info', { write: () => undefined });
  const server = new SetServer({
    ...{ name: 'things', config: CONFIG, lookup: null, live: null, admission, columns: null },
    onLookup: () => undefined,
  });
  const { hold } = options;
  if (hold !== undefined) {
    const answer = server.answer.bind(server);
    server.answer = async (asked, signal, times) => {
      await hold(signal());
      return answer(asked, signal, times);
    };
  }
  const routes = { sets: new Map([['things', server]]), limits, metrics, hasKeys: options.auth !== undefined };
  const done: [DoneRequest, number][] = [];
  const app = buildServer({
    ...{ host: '127.0.0.1', hosts: [], limits, log, admission, auth: options.auth ?? null, tls: options.tls ?? null },
    ...(options.isPlain ? { plain: plainPredictions(routes) } : {}),
    onDone: (request, status) => done.push([request, status]),
  });
  addPredictionRoutes(app, routes);
  await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
    admission,
    done,
    close: async () => {
      app.server.closeAllConnections();
      await app.close();
      admission.close();
    },
  };
}
