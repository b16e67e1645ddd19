import { type ChannelCredentials, Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { serviceOf } from '../../src/online/grpc/grpc-server.ts';

export interface GrpcCall {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

export type GrpcAnswer = Readonly<Record<string, unknown>>;

/** Calls of GRPCInferenceService; a call that fails rejects with the status. Ended with the test. */
export function grpcClient(port: number, secure: ChannelCredentials = credentials.createInsecure()) {
  const { call, close } = openGrpc(port, secure);
  onTestFinished(close);
  return call;
}

/** The same for the caller to close. */
export function openGrpc(port: number, secure: ChannelCredentials = credentials.createInsecure()) {
  const service = serviceOf('open_inference.proto', 'inference.GRPCInferenceService');
  const client = new Client(`localhost:${port}`, secure, { 'grpc.max_receive_message_length': -1 });
  const call = (method: string, request: unknown, options: GrpcCall = {}): Promise<GrpcAnswer> =>
    new Promise((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = service[method]!;
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(options.metadata ?? {})) metadata.set(name, value);
      const deadline = options.deadlineMs === undefined ? {} : { deadline: Date.now() + options.deadlineMs };
      const made = client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        deadline,
        (error, answer) => (error === null ? resolve(answer as GrpcAnswer) : reject(error)),
      );
      options.signal?.addEventListener('abort', () => made.cancel());
    });
  return { call, close: (): void => client.close() };
}

/** The status that a call ends with. */
export async function grpcFault(call: Promise<unknown>): Promise<ServiceError> {
  const error: unknown = await call.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (error instanceof Error && 'code' in error && 'details' in error) return error as ServiceError;
  throw error;
}
