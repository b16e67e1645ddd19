import { readFileSync } from 'node:fs';
import { fastify } from 'fastify';
import { describe, expect, it } from 'vitest';
import { Metrics } from '../../../../src/base/telemetry/metrics.ts';
import { Admission } from '../../../../src/online/http/admission.ts';
import { addHealthRoutes } from '../../../../src/online/http/health-route.ts';
import { addPredictionRoutes } from '../../../../src/online/lookup/predictions-route.ts';
import { ServeMetrics } from '../../../../src/online/lookup/serve-metrics.ts';
import { Dataplane } from '../../../../src/online/protocol/dataplane.ts';
import { ENDPOINTS } from '../../../../src/online/protocol/endpoints.ts';
import { describeApi } from '../../../../src/online/protocol/openapi.ts';
import { registerProtocols } from '../../../../src/online/protocol/register-protocols.ts';
import { SCHEMAS } from '../../../../src/online/protocol/schemas.ts';
import { InProcessHost } from '../../../harness/in-process-host.ts';
import { TEST_LIMITS } from '../../../harness/protocol-server.ts';

const server = { name: 'prescore', version: '1.2.3' };

/** Every route of a whole server, as `METHOD url scope`. */
async function routesOf(withModels: boolean) {
  const routes: string[] = [];
  const app = fastify();
  app.addHook('onRoute', ({ method, url, config }) => {
    for (const verb of [method].flat()) if (verb !== 'HEAD') routes.push(`${verb} ${url} ${config?.scope}`);
  });
  const admission = new Admission(TEST_LIMITS);
  const metrics = new ServeMetrics(new Metrics({ withProcess: false }), admission);
  addHealthRoutes(app, { live: () => null, ready: () => null });
  addPredictionRoutes(app, { sets: new Map(), limits: TEST_LIMITS, metrics, hasKeys: false });
  const options = {
    host: new InProcessHost([]),
    deadlineMs: 1000,
    maxDeadlineMs: 1000,
    away: admission.away.bind(admission),
  };
  const dataplane = withModels ? new Dataplane(options) : null;
  await registerProtocols(app, { dataplane, server, whyNotReady: () => null, parseJson: () => null });
  await app.ready();
  admission.close();
  return { app, routes };
}

describe('the description', () => {
  it('has every route of the server with its scope, and no other', async () => {
    const { routes } = await routesOf(true);
    const described = ENDPOINTS.map(({ method, url, scope }) => `${method} ${url} ${scope}`);
    expect([...described].sort()).toEqual([...routes].sort());
  });

  it('is served as OpenAPI 3.1 and as a page that loads nothing', async () => {
    const { app } = await routesOf(true);
    const api = await app.inject('/openapi.json');
    expect(api.json()).toEqual(JSON.parse(JSON.stringify(describeApi(server))));
    const page = await app.inject('/docs');
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.body).not.toMatch(/<script|src=|@import|url\(|https?:/);
    for (const path of Object.keys(api.json().paths as object)) expect(page.body).toContain(path);
  });

  it('leaves out the models where there are none', async () => {
    const { app } = await routesOf(false);
    const { paths } = (await app.inject('/openapi.json')).json() as { readonly paths: object };
    expect(Object.keys(paths).sort()).toEqual(
      [
        '/docs',
        '/health/live',
        '/health/ready',
        '/openapi.json',
        '/v1/predictions/{set}',
        '/v1/predictions/{set}/{key}',
      ].sort(),
    );
  });

  it('names only schemas that there are, and all of them', () => {
    const { paths, components } = describeApi(server) as { readonly paths: object; readonly components: object };
    const named = (value: unknown) =>
      [...JSON.stringify(value).matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name);
    const used = new Set([...named(paths), ...named(components)]);
    expect([...used].sort()).toEqual(Object.keys(SCHEMAS).sort());
  });

  it('is valid OpenAPI: operations have ids of their own, and parameters for what the path names', () => {
    const { paths } = describeApi(server) as {
      readonly paths: Readonly<
        Record<
          string,
          Readonly<
            Record<string, { operationId: string; parameters?: { name: string; in: string }[]; responses: object }>
          >
        >
      >;
    };
    const ids = Object.values(paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId));
    expect(new Set(ids).size).toBe(ids.length);
    for (const [path, operations] of Object.entries(paths)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const { parameters = [], responses } of Object.values(operations)) {
        expect(parameters.filter((p) => p.in === 'path').map(({ name }) => name)).toEqual(inPath);
        expect(Object.keys(responses)).toContain('200');
      }
    }
  });
});

describe('docs/protocols.md', () => {
  it('names every path of the model protocols', () => {
    const page = readFileSync(new URL('../../../../docs/protocols.md', import.meta.url), 'utf8');
    const paths = ENDPOINTS.filter(({ group }) => /^Model/.test(group)).map(({ url }) =>
      url.replace(/\/versions\/.*|\/?:model.*/, ''),
    );
    for (const path of new Set(paths)) expect(page).toContain(path);
  });
});
