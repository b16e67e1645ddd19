import type { FastifyInstance } from 'fastify';
import { addInferRoutes } from './infer-routes.ts';
import { addPredictRoutes } from './predict-routes.ts';
import type { ProtocolOptions } from './protocol-options.ts';
import { addRepositoryRoutes } from './repository-routes.ts';

/**
 * Adds V1, V2 and the model repository to the HTTP server.
 *
 * Errors: none; call it before the server listens.
 */
export async function registerProtocols(app: FastifyInstance, options: ProtocolOptions): Promise<void> {
  await app.register(async (routes) => {
    addPredictRoutes(routes, options);
    addRepositoryRoutes(routes, options);
  });
  await app.register(async (routes) => {
    // A body of V2 may be JSON followed by bytes, whatever its type says: it is taken as it comes.
    routes.removeContentTypeParser('application/json');
    addInferRoutes(routes, options);
  });
}
