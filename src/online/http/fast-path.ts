import type { Socket } from 'node:net';
import { PlainConnection, type PlainOptions } from './plain-connection.ts';

/**
 * The short way for the requests that nearly all traffic is made of: POSTs that come one after the other are read, answered and
 * written without Node's HTTP streams, which cost twice as much as the lookup. Anything else makes its connection one of Node's
 * HTTP server, with the bytes that have come.
 */
export class FastPath {
  private readonly options: PlainOptions;
  private readonly connections = new Set<PlainConnection>();

  constructor(options: PlainOptions) {
    this.options = options;
  }

  /** Takes a new connection. Errors: none. */
  take(socket: Socket): void {
    const connection = new PlainConnection(socket, this.options, () => this.connections.delete(connection));
    this.connections.add(connection);
  }

  /** Cuts off all connections that are still here. */
  close(): void {
    for (const connection of this.connections) connection.destroy();
  }
}
