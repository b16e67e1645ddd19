import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { ANYONE, type Authenticator, type Caller, requireScope, type Scope } from './access.ts';
import { HostCheck } from './host-check.ts';

/** The headers that say who asks. */
export interface Asking {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly authorization: string | undefined;
}

export interface DoorOptions {
  /** Of the address listened on; for the check of the Host header. */
  readonly host: string;
  readonly hosts: readonly string[];
  /** Null: everybody may do everything. */
  readonly auth: Authenticator | null;
}

/** Lets a request in as its caller. Errors: HTTP_HOST, HTTP_ORIGIN, HTTP_UNAUTHORIZED, HTTP_FORBIDDEN. */
export type Door = (asking: Asking, scope: Scope | undefined) => Caller;

/** The one door of all ways in over HTTP. Errors: none. */
export function doorOf({ host, hosts, auth }: DoorOptions): Door {
  const check = new HostCheck(host, hosts);
  return (asking, scope) => {
    check.check(asking.host, asking.origin);
    const caller = auth === null ? ANYONE : auth.callerOf(asking.authorization);
    if (caller === null) throw new PrescoreError('HTTP_UNAUTHORIZED', { what: 'no valid key' });
    return scope === undefined ? caller : requireScope(caller, scope);
  };
}
