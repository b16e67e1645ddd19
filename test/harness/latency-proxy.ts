import { connect, createServer, type Server, type Socket } from 'node:net';

/** What the requests that are counted took, added up and as the clock saw them. */
export interface Waits {
  readonly requests: number;
  /** At one time. */
  readonly most: number;
  /** Milliseconds of all of them, one after the other. */
  readonly sumMs: number;
  /** Milliseconds in which one of them or more was waited for. */
  readonly wallMs: number;
}

/** A store far away: a TCP proxy in front of a server that passes on what a client sends `delayMs` later. */
export class LatencyProxy {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #isCounted: (head: string) => boolean;
  /** Connections whose request has no answer yet, with the time at which it came. */
  readonly #waiting = new Map<Socket, number>();
  #requests = 0;
  #most = 0;
  #sumMs = 0;
  #wallMs = 0;
  #busySince = 0;

  private constructor(target: URL, delayMs: number, isCounted: (head: string) => boolean) {
    this.#isCounted = isCounted;
    this.#server = createServer((client) => {
      const upstream = connect(Number(target.port), target.hostname);
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.#open.add(socket);
        socket.setNoDelay(true);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          this.#open.delete(socket);
          other.destroy();
        });
      }
      client.on('data', (data: Buffer) => {
        this.#begun(client, data);
        setTimeout(() => upstream.write(data), delayMs);
      });
      upstream.on('data', (data: Buffer) => {
        this.#answered(client);
        client.write(data);
      });
    });
  }

  /** `isCounted` is asked about the first bytes of each request, such as `GET /bucket/key?…`. */
  static async start(endpoint: string, delayMs: number, isCounted: (head: string) => boolean): Promise<LatencyProxy> {
    const proxy = new LatencyProxy(new URL(endpoint), delayMs, isCounted);
    await new Promise<void>((done) => proxy.#server.listen(0, '127.0.0.1', done));
    return proxy;
  }

  get endpoint(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy is closed');
    return `http://127.0.0.1:${address.port}`;
  }

  get waits(): Waits {
    return { requests: this.#requests, most: this.#most, sumMs: this.#sumMs, wallMs: this.#wallMs };
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }

  // A client has one request on a connection at a time.
  #begun(client: Socket, data: Buffer): void {
    if (this.#waiting.has(client) || !this.#isCounted(data.toString('latin1', 0, 1024))) return;
    const now = performance.now();
    if (this.#waiting.size === 0) this.#busySince = now;
    this.#waiting.set(client, now);
    this.#requests++;
    this.#most = Math.max(this.#most, this.#waiting.size);
  }

  #answered(client: Socket): void {
    const since = this.#waiting.get(client);
    if (since === undefined) return;
    const now = performance.now();
    this.#sumMs += now - since;
    this.#waiting.delete(client);
    if (this.#waiting.size === 0) this.#wallMs += now - this.#busySince;
  }
}
