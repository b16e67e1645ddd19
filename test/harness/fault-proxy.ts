import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

export type S3Operation =
  | 'HeadBucket'
  | 'HeadObject'
  | 'GetObject'
  | 'ListObjects'
  | 'ListUploads'
  | 'PutObject'
  | 'DeleteObject'
  | 'CreateUpload'
  | 'UploadPart'
  | 'CompleteUpload'
  | 'AbortUpload';

/** What the proxy does to one request. Faults of the body let the head of the real answer through. */
export type Fault =
  /** An answer of the proxy's own; the server never sees the request. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly code: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** The connection is reset; the server never sees the request. */
  | { readonly kind: 'reset' }
  /** The server does it, then the connection is reset. */
  | { readonly kind: 'reset-after' }
  /** No answer at all. */
  | { readonly kind: 'stall' }
  | { readonly kind: 'reset-body'; readonly after: number }
  | { readonly kind: 'stall-body'; readonly after: number }
  /** The body ends early and properly: no length, a last chunk. */
  | { readonly kind: 'truncate'; readonly after: number }
  /** The body is whole, the length header is not. */
  | { readonly kind: 'wrong-length'; readonly add: number }
  /** The answer claims another range than was asked for. */
  | { readonly kind: 'wrong-range' }
  | { readonly kind: 'slow'; readonly bytes: number; readonly everyMs: number }
  /** Not an S3 store at all: a page with status 200. */
  | { readonly kind: 'page' }
  /** Says 200 and fails in the body, as a completion may. */
  | { readonly kind: 'error-body'; readonly code: string }
  /** A store that knows no conditions: what failed on one looks like success. */
  | { readonly kind: 'ignore-conditions' };

interface Rule {
  readonly operation: S3Operation | 'any';
  /** Call numbers from 1, counted for each operation; all calls when left out. */
  readonly calls?: readonly number[];
  readonly fault: Fault;
}

export interface SeenRequest {
  readonly operation: S3Operation;
  readonly headers: IncomingMessage['headers'];
  readonly atMs: number;
}

/** An HTTP proxy in front of a real S3 server that breaks chosen requests. Signatures stay valid: the host is passed on. */
export class FaultProxy {
  readonly seen: SeenRequest[] = [];
  /** Answers 501 to checksum headers, like stores older than they are. */
  refusesChecksums = false;
  readonly #target: URL;
  readonly #server: Server;
  #rules: readonly Rule[] = [];

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((incoming, response) => {
      this.#handle(incoming, response).catch(() => response.destroy());
    });
  }

  static async start(target: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    await new Promise<void>((done) => proxy.#server.listen(0, '127.0.0.1', done));
    return proxy;
  }

  get endpoint(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy is closed');
    return `http://127.0.0.1:${address.port}`;
  }

  /** Forgets what was seen and breaks the given calls from now on. */
  script(...rules: readonly Rule[]): void {
    this.seen.length = 0;
    this.#rules = rules;
  }

  /** How many requests of an operation came since the last script. */
  count(operation: S3Operation): number {
    return this.seen.filter((seen) => seen.operation === operation).length;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const operation = operationOf(incoming);
    this.seen.push({ operation, headers: incoming.headers, atMs: performance.now() });
    const number = this.count(operation);
    const rule = this.#rules.find(
      (r) => (r.operation === operation || r.operation === 'any') && (r.calls?.includes(number) ?? true),
    );
    const body = await buffer(incoming);
    if (this.refusesChecksums && hasChecksum(incoming)) return answer(response, 501, 'NotImplemented');
    const fault = rule?.fault;
    if (fault?.kind === 'status') return answer(response, fault.status, fault.code, fault.headers);
    if (fault?.kind === 'error-body') return answer(response, 200, fault.code);
    if (fault?.kind === 'page')
      return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>log in</html>');
    if (fault?.kind === 'reset') return void response.socket?.resetAndDestroy();
    if (fault?.kind === 'stall') return;
    const upstream = await this.#forward(incoming, body);
    const whole = await buffer(upstream);
    if (fault?.kind === 'reset-after') return void response.socket?.resetAndDestroy();
    if (fault?.kind === 'ignore-conditions' && upstream.statusCode === 412) return pretendSuccess(response, operation);
    // An answer to HEAD has a length and no body.
    if (incoming.method === 'HEAD') return void response.writeHead(upstream.statusCode ?? 500, upstream.headers).end();
    await reply(response, upstream, whole, fault);
  }

  #forward(incoming: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { method, url, headers } = incoming;
      const { hostname, port } = this.#target;
      const outgoing = request({ hostname, port, method, path: url, headers, agent: false }, resolve);
      outgoing.once('error', reject);
      outgoing.end(body);
    });
  }
}

async function reply(
  response: ServerResponse,
  upstream: IncomingMessage,
  body: Buffer,
  fault: Fault | undefined,
): Promise<void> {
  const headers = { ...upstream.headers };
  headers['content-length'] = String(body.length);
  if (fault?.kind === 'wrong-length') headers['content-length'] = String(body.length + fault.add);
  if (fault?.kind === 'wrong-range') headers['content-range'] = `bytes 0-${body.length - 1}/*`;
  if (fault?.kind === 'truncate') delete headers['content-length'];
  // Node refuses to write more than it announced, so a wrong length goes over the bare socket.
  if (fault?.kind === 'wrong-length') {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
    response.socket?.write(`HTTP/1.1 ${upstream.statusCode} OK\r\n${lines.join('')}\r\n`);
    response.socket?.end(body);
    return;
  }
  response.writeHead(upstream.statusCode ?? 500, headers);
  if (fault?.kind === 'reset-body' || fault?.kind === 'stall-body') {
    await new Promise((done) => response.write(body.subarray(0, fault.after), done));
    // The client must have the bytes before the reset overtakes them.
    await sleep(30);
    if (fault.kind === 'reset-body') response.socket?.resetAndDestroy();
    return;
  }
  if (fault?.kind === 'slow') {
    for (let at = 0; at < body.length && !response.destroyed; at += fault.bytes) {
      response.write(body.subarray(at, at + fault.bytes));
      await sleep(fault.everyMs);
    }
    response.end();
    return;
  }
  response.end(fault?.kind === 'truncate' ? body.subarray(0, fault.after) : body);
}

function answer(
  response: ServerResponse,
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>made up by the proxy</Message></Error>`;
  response.writeHead(status, { 'content-type': 'application/xml', ...headers }).end(body);
}

function pretendSuccess(response: ServerResponse, operation: S3Operation): void {
  const isComplete = operation === 'CompleteUpload';
  response.writeHead(200, { etag: '"0"', 'content-type': 'application/xml' });
  response.end(isComplete ? '<CompleteMultipartUploadResult><ETag>"0"</ETag></CompleteMultipartUploadResult>' : '');
}

function hasChecksum(incoming: IncomingMessage): boolean {
  return Object.keys(incoming.headers).some(
    (name) => name.startsWith('x-amz-checksum-') || name === 'x-amz-sdk-checksum-algorithm',
  );
}

function operationOf({ method, url }: IncomingMessage): S3Operation {
  const { pathname, searchParams: query } = new URL(url ?? '/', 'http://localhost');
  const hasKey = /^\/[^/]+\/./.test(pathname);
  if (method === 'HEAD') return hasKey ? 'HeadObject' : 'HeadBucket';
  if (method === 'GET') return query.has('uploads') ? 'ListUploads' : hasKey ? 'GetObject' : 'ListObjects';
  if (method === 'PUT') return query.has('partNumber') ? 'UploadPart' : 'PutObject';
  if (method === 'DELETE') return query.has('uploadId') ? 'AbortUpload' : 'DeleteObject';
  return query.has('uploads') ? 'CreateUpload' : 'CompleteUpload';
}
