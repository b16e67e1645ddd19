import { ENDPOINTS, type Endpoint } from './endpoints.ts';
import { SCHEMAS, type Schema } from './schemas.ts';
import type { ServerIdentity } from './wire.ts';

const JSON_TYPE = 'application/json';
const BINARY_TYPE = 'application/octet-stream';

/** Statuses that any endpoint with a key may answer. */
const COMMON: Readonly<Record<number, string>> = {
  400: 'The request is not what this path takes; the text says where.',
  401: 'No valid key.',
  403: 'The key may not do this.',
  413: 'Over a limit of the server.',
  415: 'A body of another type, or a compressed one.',
  421: 'Asked by a name that the server does not have.',
  503: 'Too many requests in work: ask again after Retry-After.',
};

/** The description of these endpoints as OpenAPI 3.1. Errors: none. */
export function describeApi(server: ServerIdentity, endpoints: readonly Endpoint[] = ENDPOINTS): Schema {
  const paths: Record<string, Record<string, Schema>> = {};
  for (const endpoint of endpoints) {
    const path = pathOf(endpoint.url);
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operationOf(endpoint) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: server.name,
      version: server.version,
      description:
        'Predictions by key, and the models behind them. gRPC serves inference.GRPCInferenceService beside it.',
    },
    paths,
    components: {
      schemas: SCHEMAS,
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'A key of the keys file; scopes lookup, score and admin.' },
      },
    },
  };
}

/** `/v2/models/:model/infer` as `/v2/models/{model}/infer`, `:model(…)::predict` as `{model}:predict`. Errors: none. */
export function pathOf(url: string): string {
  return url
    .replaceAll(/:([A-Za-z]+)(?:\([^)]*\))?/g, (match, name: string, at: number) =>
      // What follows a doubled colon is a word of the path.
      url[at - 1] === ':' ? match : `{${name}}`,
    )
    .replaceAll('::', ':');
}

function operationOf(endpoint: Endpoint): Schema {
  const { method, url, group, scope, summary, notes, takes, isBinary, gives } = endpoint;
  const names = [...pathOf(url).matchAll(/\{([A-Za-z]+)\}/g)].map(([, name]) => name!);
  const parameters = names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  const header = { name: 'Inference-Header-Content-Length', in: 'header', schema: { type: 'integer', minimum: 0 } };
  return {
    operationId: `${method.toLowerCase()}${url.replaceAll(/[^A-Za-z0-9]+/g, '_')}`,
    tags: [group],
    summary,
    ...(notes === undefined ? {} : { description: notes }),
    security: scope === null ? [] : [{ key: [] }],
    ...(scope === null ? {} : { 'x-scope': scope }),
    ...(parameters.length === 0 && isBinary !== true
      ? {}
      : { parameters: isBinary === true ? [...parameters, header] : parameters }),
    ...(takes === undefined
      ? {}
      : { requestBody: { required: isRequired(takes), content: contentOf(takes, isBinary) } }),
    responses: {
      200: {
        description: 'Done.',
        content: gives === 'Page' ? { 'text/html': { schema: refTo(gives) } } : contentOf(gives, isBinary),
      },
      ...errorsOf(endpoint),
    },
  };
}

function errorsOf({ scope, statuses, errors, takes }: Endpoint): Schema {
  const common = Object.entries(COMMON).filter(
    ([status]) => scope !== null && (takes !== undefined || !['400', '413', '415'].includes(status)),
  );
  const all: Readonly<Record<string, string>> = { ...Object.fromEntries(common), ...statuses };
  return Object.fromEntries(
    Object.entries(all).map(([status, description]) => [
      status,
      status === '304' ? { description } : { description, content: contentOf(errors) },
    ]),
  );
}

function contentOf(name: string, isBinary = false): Schema {
  const schema = refTo(name);
  if (!isBinary) return { [JSON_TYPE]: { schema } };
  return { [JSON_TYPE]: { schema }, [BINARY_TYPE]: { schema: { type: 'string', contentMediaType: BINARY_TYPE } } };
}

function refTo(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

function isRequired(takes: string): boolean {
  return !takes.startsWith('Repository');
}
