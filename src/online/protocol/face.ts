import type { FastifyReply, FastifyRequest } from 'fastify';
import type { VersionPick } from '../../base/contract/live-model.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { type Caller, callerOf } from '../http/access.ts';
import type { ErrorWriter } from '../http/http-answer.ts';
import type { InferResult } from './wire.ts';

/** Error bodies of V1 and V2: one text under `error`. */
export const sayProtocolError: ErrorWriter = ({ message, where }) => ({
  error: where === undefined ? message : `${where}: ${message}`,
});

/** Names in the path of a model's routes. */
export interface ModelParams {
  readonly model: string;
  /** Of V2 also a label, where no version is called so. */
  readonly version?: string;
  readonly label?: string;
}

/** What a key may not name is answered as what is not there. Errors: LIVE_MODEL_UNKNOWN. */
export function requireModel(caller: Caller, name: string): void {
  if (caller.models?.has(name) === false)
    throw new PrescoreError('LIVE_MODEL_UNKNOWN', { what: 'not for this key', where: name });
}

/** Model and version or label of a request's path. Errors: LIVE_MODEL_UNKNOWN. */
export function modelOf(request: FastifyRequest<{ Params: ModelParams }>): readonly [string, VersionPick] {
  const { model, version, label } = request.params;
  requireModel(callerOf(request), model);
  return [model, label === undefined ? (version ?? null) : { label }];
}

/** Headers that every prediction has, whatever its body looks like. */
export function sayPrediction(reply: FastifyReply, { model, queueMs, computeMs }: InferResult): FastifyReply {
  reply.header('server-timing', `queue;dur=${queueMs.toFixed(3)}, compute;dur=${computeMs.toFixed(3)}`);
  if (model.version !== null) reply.header('x-model-version', encodeURIComponent(model.version));
  return reply.header('cache-control', 'no-store');
}
