import { fileURLToPath } from 'node:url';
import {
  type GrpcObject,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServiceClientConstructor,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { inferenceHandlers } from './grpc-calls.ts';
import type { GrpcOptions } from './grpc-options.ts';

export interface GrpcServer {
  readonly port: number;
  /** Takes no new calls, lets those in work end for at most so long, then ends them. */
  close(graceMs: number): Promise<void>;
}

/**
 * `inference.GRPCInferenceService` and the standard health service on a port of their own.
 *
 * Errors: USAGE when the address cannot be listened on or the TLS files cannot be used. Owns: the caller closes it.
 */
export async function startGrpc(options: GrpcOptions): Promise<GrpcServer> {
  const server = new Server({
    'grpc.max_receive_message_length': options.maxMessageBytes,
    'grpc.max_send_message_length': options.maxMessageBytes,
    'grpc.max_connection_idle_ms': options.maxConnectionIdleMs,
    'grpc.max_concurrent_streams': 1024,
    'grpc.keepalive_time_ms': 60_000,
  });
  server.addService(serviceOf('open_inference.proto', 'inference.GRPCInferenceService'), inferenceHandlers(options));
  server.addService(serviceOf('health.proto', 'grpc.health.v1.Health'), {
    Check: (_call: unknown, answer: (error: null, value: { status: string }) => void) =>
      answer(null, { status: options.whyNotReady() === null ? 'SERVING' : 'NOT_SERVING' }),
  });
  const port = await listen(server, options);
  return { port, close: (graceMs) => close(server, graceMs) };
}

/** The definition of a service of one of our proto files, which lie beside this file in the package too. */
export function serviceOf(file: string, path: string): ServiceDefinition {
  const definition = loadSync(fileURLToPath(new URL(file, import.meta.url)), {
    keepCase: true,
    defaults: true,
    enums: String,
    oneofs: false,
  });
  let place: GrpcObject = loadPackageDefinition(definition);
  const names = path.split('.');
  for (const name of names.slice(0, -1)) place = place[name] as GrpcObject;
  return (place[names.at(-1)!] as ServiceClientConstructor).service;
}

function listen(server: Server, { host, port, tls }: GrpcOptions): Promise<number> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const refused = (error: Error) =>
    new PrescoreError('USAGE', {
      what: `cannot listen on ${address} for gRPC (${error.message})`,
      fix: 'Give another listen.grpcPort, or check the files under tls.',
      cause: error,
    });
  return new Promise((resolve, reject) => {
    try {
      const credentials =
        tls === null
          ? ServerCredentials.createInsecure()
          : ServerCredentials.createSsl(null, [
              { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.cert) },
            ]);
      server.bindAsync(address, credentials, (error, bound) =>
        error === null ? resolve(bound) : reject(refused(error)),
      );
    } catch (error) {
      reject(refused(error as Error));
    }
  });
}

function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
