import type { FastifyRequest } from 'fastify';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** lookup: predictions. score: the model itself. admin: loading and unloading models. */
export const SCOPES = ['lookup', 'score', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Who asks. `sets` and `models` are what the key may name; null: all of them. */
export interface Caller {
  readonly id: string;
  readonly scopes: ReadonlySet<Scope>;
  readonly sets: ReadonlySet<string> | null;
  readonly models: ReadonlySet<string> | null;
}

export interface Authenticator {
  /** The caller of an `Authorization` header (or of the same text in gRPC metadata); null without a valid key. */
  callerOf(authorization: string | undefined): Caller | null;
}

/** Everybody, where no keys are asked for. */
export const ANYONE: Caller = { id: 'anyone', scopes: new Set(SCOPES), sets: null, models: null };

/** Errors: HTTP_UNAUTHORIZED, HTTP_FORBIDDEN. For gRPC as well. */
export function requireScope(caller: Caller | null, scope: Scope): Caller {
  if (caller === null) throw new PrescoreError('HTTP_UNAUTHORIZED', { what: 'no valid key' });
  if (caller.scopes.has(scope)) return caller;
  throw new PrescoreError('HTTP_FORBIDDEN', { what: `this needs a key with the scope ${scope}` });
}

/** What a key may not name is answered as what is not there. Errors: HTTP_NOT_FOUND. */
export function requireName(caller: Caller, kind: 'sets' | 'models', name: string): void {
  if (caller[kind]?.has(name) === false) throw new PrescoreError('HTTP_NOT_FOUND', { what: 'not for this key' });
}

/** The caller of a request whose route has a scope. */
export function callerOf(request: FastifyRequest): Caller {
  return request.caller ?? ANYONE;
}
