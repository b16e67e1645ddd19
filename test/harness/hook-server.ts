import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HookCall {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly path: string;
}

export interface HookServer {
  readonly url: string;
  readonly calls: HookCall[];
  close(): Promise<void>;
}

/** A receiver of webhooks: answers with the statuses in turn, the last one from then on; null is no answer at all. */
export async function startHookServer(...statuses: readonly (number | null)[]): Promise<HookServer> {
  const calls: HookCall[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const status = statuses[Math.min(calls.length, statuses.length - 1)] ?? null;
      calls.push({ headers: request.headers, body, path: request.url ?? '' });
      if (status !== null) response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    calls,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
