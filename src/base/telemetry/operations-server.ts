import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PrescoreError } from '../errors/prescore-error.ts';

export interface OperationsOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** The text of `/metrics` and its content type. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  /** Null when the process is fine; else one line that says why not. */
  readonly live: () => string | null;
  readonly ready: () => string | null;
  /** What a process that is ready has to say all the same. */
  readonly note?: () => string | null;
}

export interface OperationsServer {
  /** `http://127.0.0.1:9090`. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * `/metrics`, `/health/live` and `/health/ready` of a long-running command: 200, or 503 with the reason. Nothing else is
 * answered, and nothing can be changed through it.
 *
 * Errors: USAGE when the address cannot be listened on. Owns: the caller closes it.
 */
export async function startOperationsServer(options: OperationsOptions): Promise<OperationsServer> {
  const server = createServer((request, response) => {
    response.setHeader('x-content-type-options', 'nosniff');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return send(response, 405, 'only GET and HEAD');
    }
    answer(request.url ?? '', options, response).catch((error: unknown) => send(response, 500, String(error)));
  });
  server.requestTimeout = 10_000;
  server.maxConnections = 64;
  await listen(server, options);
  const { address, family, port } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * `HOST:PORT`, `[::1]:PORT`, or a port alone, which means loopback.
 *
 * Errors: USAGE.
 */
export function parseListenAddress(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:(?<host>\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):)?(?<port>[0-9]{1,5})$/.exec(text);
  const port = Number(match?.groups?.['port'] ?? Number.NaN);
  if (!(port <= 65_535)) {
    throw new PrescoreError('USAGE', {
      what: 'this is no address to listen on',
      expected: 'HOST:PORT, such as 127.0.0.1:9090',
      got: JSON.stringify(text.slice(0, 100)),
    });
  }
  return { host: (match?.groups?.['host'] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port };
}

async function answer(url: string, options: OperationsOptions, response: ServerResponse): Promise<void> {
  const path = url.split('?')[0];
  if (path === '/metrics') {
    const { contentType, text } = await options.metrics();
    response.setHeader('content-type', contentType);
    response.end(text);
    return;
  }
  if (path !== '/health/live' && path !== '/health/ready') return send(response, 404, 'not found');
  const problem = path === '/health/live' ? options.live() : options.ready();
  const note = path === '/health/ready' ? (options.note?.() ?? null) : null;
  send(response, problem === null ? 200 : 503, problem ?? (note === null ? 'ok' : `ok\n${note}`));
}

function send(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) return void response.end();
  response.statusCode = status;
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.end(`${text}\n`);
}

function listen(server: Server, { host, port }: OperationsOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new PrescoreError('USAGE', {
          what: `cannot listen on ${host}:${port} (${error.code ?? error.message})`,
          fix: 'Give another --metrics HOST:PORT.',
          cause: error,
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
}
