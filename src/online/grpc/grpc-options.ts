import type { Logger } from '../../base/telemetry/logger.ts';
import type { Authenticator } from '../http/access.ts';
import type { Admission } from '../http/admission.ts';
import type { Dataplane } from '../protocol/dataplane.ts';
import type { ServerIdentity } from '../protocol/wire.ts';

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
