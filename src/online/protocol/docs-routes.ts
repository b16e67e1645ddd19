import type { FastifyInstance } from 'fastify';
import { docsPage } from './docs-page.ts';
import { ENDPOINTS, type Endpoint } from './endpoints.ts';
import { describeApi } from './openapi.ts';
import type { ServerIdentity } from './wire.ts';

/** Adds `/docs` and `/openapi.json`, which tell of the endpoints that this server has. For everybody. Errors: none. */
export function addDocsRoutes(app: FastifyInstance, server: ServerIdentity): void {
  const open = { config: { scope: null } } as const;
  let made: { readonly page: string; readonly api: string } | null = null;
  // When the first one asks all routes are there, also those that were added after these.
  const make = (): { readonly page: string; readonly api: string } => {
    const own: readonly Endpoint[] = ENDPOINTS.filter(({ method, url }) => app.hasRoute({ method, url }));
    made ??= { page: docsPage(server, own), api: JSON.stringify(describeApi(server, own)) };
    return made;
  };
  app.get('/openapi.json', open, (_request, reply) => reply.type('application/json; charset=utf-8').send(make().api));
  app.get('/docs', open, (_request, reply) => {
    reply.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    return reply.type('text/html; charset=utf-8').send(make().page);
  });
}
