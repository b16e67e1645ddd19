import type { Dataplane } from './dataplane.ts';
import type { ServerIdentity } from './wire.ts';

/** What the faces over HTTP need. */
export interface ProtocolOptions {
  readonly dataplane: Dataplane;
  readonly server: ServerIdentity;
  /** Null when the server takes requests; else why not. */
  readonly whyNotReady: () => string | null;
  /** The JSON part of a body, with the limits of the server. */
  readonly parseJson: (bytes: Buffer) => unknown;
}
