import { connect, type Socket } from 'node:net';
import { type TcpFront, tcpFront } from './tcp-fronts.ts';

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
  #front!: TcpFront;
  readonly #isCounted: (head: string) => boolean;
  /** Connections whose request has no answer yet, with the time at which it came. */
  readonly #waiting = new Map<Socket, number>();
  #requests = 0;
  #most = 0;
  #sumMs = 0;
  #wallMs = 0;
  #busySince = 0;

  private constructor(isCounted: (head: string) => boolean) {
    this.#isCounted = isCounted;
  }

  /** `isCounted` is asked about the first bytes of each request, such as `GET /bucket/key?…`. */
  static async start(endpoint: string, delayMs: number, isCounted: (head: string) => boolean): Promise<LatencyProxy> {
    const { port, hostname } = new URL(endpoint);
    const proxy = new LatencyProxy(isCounted);
    proxy.#front = await tcpFront((client) => proxy.#pass(client, connect(Number(port), hostname), delayMs));
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#front.port}`;
  }

  get waits(): Waits {
    return { requests: this.#requests, most: this.#most, sumMs: this.#sumMs, wallMs: this.#wallMs };
  }

  close(): Promise<void> {
    return this.#front.close();
  }

  #pass(client: Socket, upstream: Socket, delayMs: number): void {
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.setNoDelay(true);
      socket.on('error', () => other.destroy());
      socket.on('close', () => other.destroy());
    }
    client.on('data', (data: Buffer) => {
      this.#begun(client, data);
      setTimeout(() => upstream.write(data), delayMs);
    });
    upstream.on('data', (data: Buffer) => {
      this.#answered(client);
      client.write(data);
    });
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
