import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelHost } from '../../base/contract/live-model.ts';
import type { ServeConfig } from '../../base/contract/serve-config.ts';
import type { Logger } from '../../base/telemetry/logger.ts';
import type { GrpcServer } from '../../online/grpc/grpc-server.ts';
import type { Authenticator } from '../../online/http/access.ts';
import type { Admission } from '../../online/http/admission.ts';
import { parseBody } from '../../online/http/parse-body.ts';
import type { ServeMetrics } from '../../online/lookup/serve-metrics.ts';
import { Dataplane } from '../../online/protocol/dataplane.ts';
import { registerProtocols } from '../../online/protocol/register-protocols.ts';
import { readVersions } from './versions.ts';

/** The longest timeout that a request may ask for. */
const MAX_DEADLINE_MS = 60_000;

type HttpServer = Parameters<typeof registerProtocols>[0];

export interface ProtocolDeps {
  readonly config: ServeConfig;
  /** Null when the serve file has no models: then only the description is served. */
  readonly host: ModelHost | null;
  readonly metrics: ServeMetrics;
  readonly admission: Admission;
  readonly auth: Authenticator | null;
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly log: Logger;
  readonly whyNotReady: () => string | null;
}

export interface OpenedProtocols {
  /** Listens for gRPC where the serve file asks for it; gives the port. Errors: USAGE. */
  listen(): Promise<number | null>;
  /** As the drain of HTTP: new calls for `drainMs`, those in work to the end of `graceMs`. */
  drain(graceMs: number, drainMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Adds the model protocols to the HTTP server. Errors: none. */
export async function openProtocols(app: HttpServer, deps: ProtocolDeps): Promise<OpenedProtocols> {
  const { config, host, metrics, admission, auth, tls, log, whyNotReady } = deps;
  const { limits, listen, batcher } = config;
  const server = { name: 'prescore', version: readVersions().prescore };
  const dataplane =
    host === null
      ? null
      : new Dataplane({
          host,
          deadlineMs: batcher.deadlineMs,
          maxDeadlineMs: Math.max(MAX_DEADLINE_MS, batcher.deadlineMs),
          away: (work, task) => admission.away(work, task),
          observe: ({ model, face, seconds, result }) => {
            metrics.latencyOf(model, face, seconds);
            metrics.prediction(model, result !== null, result?.rows);
          },
        });
  await registerProtocols(app, { dataplane, server, whyNotReady, parseJson: (bytes) => parseBody(bytes, limits) });
  let grpc: GrpcServer | null = null;
  return {
    listen: async () => {
      if (listen.grpcPort === null || dataplane === null) return null;
      // The library is as large as the rest of the server: only who asks for it waits for it.
      const { startGrpc } = await import('../../online/grpc/grpc-server.ts');
      grpc = await startGrpc({
        ...{ dataplane, server, host: listen.host, port: listen.grpcPort, auth, tls, admission, log, whyNotReady },
        maxMessageBytes: limits.bodyBytes,
        maxConnectionIdleMs: limits.idleTimeMs,
      });
      return grpc.port;
    },
    drain: async (graceMs, drainMs) => {
      await sleep(Math.min(drainMs, graceMs));
      await grpc?.close(Math.max(0, graceMs - drainMs));
    },
    close: async () => grpc?.close(0),
  };
}
