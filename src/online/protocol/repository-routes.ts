import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ModelVersionState } from '../../base/contract/live-model.ts';
import { callerOf } from '../http/access.ts';
import { requireModel, sayProtocolError } from './face.ts';
import type { ProtocolOptions } from './protocol-options.ts';
import { asFlag, asObject, asText, type Fields } from './read-fields.ts';
import { requestFault } from './request-fault.ts';

/** States in the protocol's words. */
const STATES: Readonly<Record<ModelVersionState['state'], string>> = {
  unloaded: 'UNAVAILABLE',
  loading: 'LOADING',
  ready: 'READY',
  draining: 'UNLOADING',
  failed: 'UNAVAILABLE',
};

/** One line of the index. */
export interface IndexEntry {
  readonly name: string;
  readonly version: string;
  readonly state: string;
  readonly reason: string;
  /** Of a registry: those that the version answers for; the protocol has no place for them, and gRPC leaves them out. */
  readonly labels?: readonly string[];
}

type NamedRequest = FastifyRequest<{ Params: { readonly model: string } }>;

/** The model repository extension, for the admin. Errors: none. */
export function addRepositoryRoutes(app: FastifyInstance, options: ProtocolOptions): void {
  const { dataplane } = options;
  // Clients send these bodies without a type.
  const admin = { config: { scope: 'admin', takes: 'binary', sayError: sayProtocolError } } as const;
  const bodyOf = ({ body }: FastifyRequest): Fields => {
    const value = Buffer.isBuffer(body) ? options.parseJson(body) : body;
    return value === undefined || value === null ? {} : asObject(value, 'body');
  };

  app.post('/v2/repository/index', admin, async (request) => {
    const isReadyOnly = asFlag(bodyOf(request)['ready'], false, 'ready');
    return indexEntries(await dataplane.index(), callerOf(request).models, isReadyOnly);
  });
  app.post('/v2/repository/models/:model/load', admin, async (request: NamedRequest) => {
    requireModel(callerOf(request), request.params.model);
    await dataplane.load(request.params.model, readVersion(bodyOf(request)['parameters']));
    return {};
  });
  app.post('/v2/repository/models/:model/unload', admin, async (request: NamedRequest) => {
    requireModel(callerOf(request), request.params.model);
    await dataplane.unload(request.params.model, readVersion(bodyOf(request)['parameters']));
    return {};
  });
}

/** The index as a caller may see it. Errors: none. */
export function indexEntries(
  states: readonly ModelVersionState[],
  visible: ReadonlySet<string> | null,
  isReadyOnly: boolean,
): readonly IndexEntry[] {
  return states.flatMap(({ name, version, state, reason, labels }) => {
    if (visible?.has(name) === false || (isReadyOnly && state !== 'ready')) return [];
    const entry = { name, version: version ?? '', state: STATES[state], reason };
    return [labels.length === 0 ? entry : { ...entry, labels }];
  });
}

/**
 * The version that `load` or `unload` names by its parameter `version` (ours; the protocol has no place for it), or null.
 * What a load request may bring along is refused: models come from the model folder alone.
 *
 * Errors: LIVE_REQUEST.
 */
export function readVersion(parameters: unknown): string | null {
  if (parameters === undefined || parameters === null) return null;
  const fields = asObject(parameters, 'parameters');
  // Sorted: maps of gRPC come in any order.
  for (const name of Object.keys(fields).sort()) {
    if (name === 'config' || name.startsWith('file:'))
      throw requestFault('models and their settings come from the model folder alone', `parameters.${name}`);
  }
  return fields['version'] === undefined ? null : asText(fields['version'], 'parameters.version');
}
