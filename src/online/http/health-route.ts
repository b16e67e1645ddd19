import type { FastifyInstance } from 'fastify';

export interface Health {
  /** Null when the process is fine; else one line that says why not, without internals. */
  readonly live: () => string | null;
  readonly ready: () => string | null;
  /** What a process that takes requests has to say all the same; without internals. */
  readonly note?: () => string | null;
}

/** Adds `/health/live` and `/health/ready`, for everybody. Errors: none. */
export function addHealthRoutes(app: FastifyInstance, health: Health): void {
  for (const kind of ['live', 'ready'] as const) {
    app.get(`/health/${kind}`, { config: { scope: null } }, async (_request, reply) => {
      const problem = health[kind]();
      reply.code(problem === null ? 200 : 503).header('cache-control', 'no-store');
      const note = kind === 'ready' ? (health.note?.() ?? null) : null;
      return { status: problem ?? 'ok', ...(note === null ? {} : { note }) };
    });
  }
}
