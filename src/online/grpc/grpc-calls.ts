import type { ServerUnaryCall, sendUnaryData, UntypedServiceImplementation } from '@grpc/grpc-js';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { ANYONE, type Caller, requireScope, type Scope } from '../http/access.ts';
import { statusOf } from '../http/http-status.ts';
import type { Work } from '../http/work-meter.ts';
import type { Dataplane } from '../protocol/dataplane.ts';
import { requireModel } from '../protocol/face.ts';
import { EXTENSIONS } from '../protocol/infer-routes.ts';
import { indexEntries, readVersion } from '../protocol/repository-routes.ts';
import { readGrpcCall, writeGrpcAnswer } from './grpc-infer.ts';
import {
  type ModelInferRequest,
  type ModelInferResponse,
  type NameAndVersion,
  plainParameters,
  type RepositoryRequest,
} from './grpc-messages.ts';
import type { GrpcOptions } from './grpc-options.ts';
import { toServiceError } from './grpc-status.ts';

/** What a call may use beside its message. */
interface CallContext {
  readonly caller: Caller;
  readonly startedAt: number;
  readonly work: Work;
  /** Milliseconds that the client's deadline leaves; null: it has none. */
  readonly leftMs: number | null;
  readonly signal: AbortSignal;
}

type Handle<Q, A> = (request: Q, context: CallContext) => A | Promise<A>;

/** The calls of GRPCInferenceService. Errors: none; a call that fails answers with a status. */
export function inferenceHandlers(options: GrpcOptions): UntypedServiceImplementation {
  const { dataplane, server, whyNotReady } = options;
  const open = <Q, A>(handle: Handle<Q, A>) => unary(options, null, handle);
  const score = <Q, A>(handle: Handle<Q, A>) => unary(options, 'score', handle);
  const admin = <Q, A>(handle: Handle<Q, A>) => unary(options, 'admin', handle);

  return {
    ServerLive: open(() => ({ live: true })),
    ServerReady: open(() => ({ ready: whyNotReady() === null })),
    ServerMetadata: score(() => ({ ...server, extensions: EXTENSIONS })),
    ModelReady: score(async ({ name, version }: NameAndVersion, { caller }) => {
      requireModel(caller, name);
      return { ready: await dataplane.isReady(name, version) };
    }),
    ModelMetadata: score(({ name, version }: NameAndVersion, { caller }) => {
      requireModel(caller, name);
      return dataplane.metadata(name, version);
    }),
    ModelStatistics: score(async ({ name, version }: NameAndVersion, { caller }) => {
      requireModel(caller, name);
      const stats = await dataplane.stats(name, version);
      return { model_stats: stats.filter((stat) => caller.models?.has(stat.name) !== false) };
    }),
    ModelInfer: score((request: ModelInferRequest, context) => infer(dataplane, request, context)),
    RepositoryIndex: admin(async ({ ready }: { readonly ready: boolean }, { caller }) => ({
      models: indexEntries(await dataplane.index(), caller.models, ready),
    })),
    RepositoryModelLoad: admin(async ({ model_name, parameters }: RepositoryRequest, { caller }) => {
      requireModel(caller, model_name);
      await dataplane.load(model_name, readVersion(plainParameters(parameters)));
      return {};
    }),
    RepositoryModelUnload: admin(async ({ model_name, parameters }: RepositoryRequest, { caller }) => {
      requireModel(caller, model_name);
      await dataplane.unload(model_name, readVersion(plainParameters(parameters)));
      return {};
    }),
  };
}

async function infer(
  dataplane: Dataplane,
  request: ModelInferRequest,
  { caller, startedAt, work, leftMs, signal }: CallContext,
): Promise<ModelInferResponse> {
  requireModel(caller, request.model_name);
  const model = await dataplane.model(request.model_name, request.model_version);
  const result = await dataplane.infer(model, { face: 'grpc', startedAt, work }, () => ({
    ...readGrpcCall(request),
    transportMs: leftMs,
    signal,
  }));
  return writeGrpcAnswer(result, request.raw_input_contents.length > 0);
}

function unary<Q, A>({ auth, admission, log }: GrpcOptions, scope: Scope | null, handle: Handle<Q, A>) {
  return (call: ServerUnaryCall<Q, A>, answer: sendUnaryData<A>): void => {
    // Looked at before this call counts itself. Health is answered whatever else is going on.
    const startedAt = performance.now();
    const isOver = scope !== null && admission.isOver();
    // Its bytes are not known yet: a kind for each way that costs something else.
    const work = admission.enter(`grpc ${scope}`);
    const run = async (): Promise<A> => {
      if (isOver) throw new PrescoreError('SERVER_OVERLOADED', { what: 'too many requests in work' });
      const [authorization] = call.metadata.get('authorization');
      const caller = auth === null || scope === null ? ANYONE : auth.callerOf(authorization?.toString());
      if (scope !== null) requireScope(caller, scope);
      return handle(call.request, {
        caller: caller ?? ANYONE,
        startedAt,
        work,
        leftMs: leftOf(call.getDeadline()),
        signal: gone(call),
      });
    };
    run()
      .then(
        (value) => answer(null, value),
        (error: unknown) => {
          const status = toServiceError(error);
          if (error instanceof Error && statusOfThrown(error) === 500) log.error({ err: error }, 'a gRPC call failed');
          answer(status);
        },
      )
      .finally(() => admission.leave(work));
  };
}

function statusOfThrown(error: Error): number {
  return error instanceof PrescoreError ? statusOf(error.code) : 500;
}

function leftOf(deadline: Date | number): number | null {
  const at = Number(deadline);
  return Number.isFinite(at) ? at - Date.now() : null;
}

function gone(call: ServerUnaryCall<unknown, unknown>): AbortSignal {
  const controller = new AbortController();
  call.on('cancelled', () => controller.abort());
  return controller.signal;
}
