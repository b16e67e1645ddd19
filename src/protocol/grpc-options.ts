import type { Authenticator } from '../serve/access.ts';
import type { Admission } from '../serve/admission.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Dataplane } from './dataplane.ts';
import type { ServerIdentity } from './wire.ts';

/** What the gRPC server needs. */
export interface GrpcOptions {
  readonly dataplane: Dataplane;
  readonly server: ServerIdentity;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Null: everybody may do everything. */
  readonly auth: Authenticator | null;
  /** PEM texts; null: plain. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Bytes of one request; an answer may be as large. */
  readonly maxMessageBytes: number;
  readonly maxConnectionIdleMs: number;
  readonly whyNotReady: () => string | null;
  /** Counts requests in work and says when one more is too many. */
  readonly admission: Pick<Admission, 'enter' | 'leave' | 'isOver'>;
  readonly log: Logger;
}
