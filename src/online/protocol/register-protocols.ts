import type { FastifyInstance } from 'fastify';
import type { Dataplane } from './dataplane.ts';
import { addDocsRoutes } from './docs-routes.ts';
import { addInferRoutes } from './infer-routes.ts';
import { addPredictRoutes } from './predict-routes.ts';
import type { ProtocolOptions } from './protocol-options.ts';
import { addRepositoryRoutes } from './repository-routes.ts';

export interface RegisterOptions extends Omit<ProtocolOptions, 'dataplane'> {
  /** Null: no models are served, only the description of what else is. */
  readonly dataplane: Dataplane | null;
}

/**
 * Adds V1, V2, the model repository and `/docs` to the HTTP server.
 *
 * Errors: none; call it before the server listens.
 */
export async function registerProtocols(app: FastifyInstance, options: RegisterOptions): Promise<void> {
  addDocsRoutes(app, options.server);
  const { dataplane } = options;
  if (dataplane === null) return;
  const faces = { ...options, dataplane };
  await app.register(async (routes) => {
    addPredictRoutes(routes, faces);
    addRepositoryRoutes(routes, faces);
  });
  await app.register(async (routes) => {
    // A body of V2 may be JSON followed by bytes, whatever its type says: it is taken as it comes.
    routes.removeContentTypeParser('application/json');
    addInferRoutes(routes, faces);
  });
}
