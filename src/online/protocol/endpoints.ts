import type { Scope } from '../http/access.ts';

/** One endpoint as the description tells it. A test holds this table against the routes that a server has. */
export interface Endpoint {
  readonly method: 'GET' | 'POST';
  /** As the router has it, such as `/v2/models/:model`. */
  readonly url: string;
  readonly group: string;
  /** Null: no key is asked for. */
  readonly scope: Scope | null;
  readonly summary: string;
  readonly notes?: string;
  /** Names of schemas. */
  readonly takes?: string;
  /** It takes the binary tensor extension and may answer in it. */
  readonly isBinary?: boolean;
  readonly gives: string;
  /** Statuses beside 200 that tell something of their own; those that every endpoint has are left out. */
  readonly statuses?: Readonly<Record<number, string>>;
  /** Bodies of errors: an object with code and message, or a single text. */
  readonly errors: 'Error' | 'ProtocolError';
}

const PREDICTIONS = 'Prediction sets';
const V1 = 'Models: V1';
const V2 = 'Models: V2 (Open Inference Protocol)';
const REPOSITORY = 'Model repository';
const HEALTH = 'Health';

const LIVE_STATUSES = {
  404: 'The model or version is not served.',
  503: 'The queue is full, or the scorer is being restarted: ask again after Retry-After.',
  504: 'The request waited longer than its deadline.',
} as const;

const BINARY_NOTES =
  'With the header Inference-Header-Content-Length: N the first N bytes are the JSON and binary tensors follow, in the order of ' +
  'the inputs; 0: the whole body is the data of the only input, one row. Answers with binary tensors have the header too.';

/** The forms of a model's path; V1 has one for labels, V2 takes them in the place of a version. */
function ofModel(suffix: string, endpoint: Omit<Endpoint, 'url' | 'scope' | 'errors' | 'group'>): readonly Endpoint[] {
  const prefix = suffix === '::predict' ? '/v1/models' : '/v2/models';
  const labels = prefix === '/v1/models' ? ['/:model/labels/:label'] : [];
  return ['/:model', '/:model/versions/:version', ...labels].map((place) => ({
    ...endpoint,
    url: `${prefix}${place}${suffix === '::predict' ? '(^[^:]+)::predict' : suffix}`,
    group: prefix === '/v1/models' ? V1 : V2,
    scope: 'score',
    errors: 'ProtocolError',
  }));
}

export const ENDPOINTS: readonly Endpoint[] = [
  {
    method: 'POST',
    url: '/v1/predictions/:set',
    group: PREDICTIONS,
    scope: 'lookup',
    summary: 'Predictions of one key or many, from the set, by live inference, or as the serve file says.',
    takes: 'PredictionRequest',
    gives: 'PredictionAnswer',
    statuses: {
      404: 'No such set, or no prediction for the one key asked for.',
      503: 'Neither store nor model answered in time.',
    },
    errors: 'Error',
  },
  {
    method: 'GET',
    url: '/v1/predictions/:set/:key',
    group: PREDICTIONS,
    scope: 'lookup',
    summary: 'The prediction of one key, for caches: ETag, Age and Cache-Control.',
    gives: 'Prediction',
    statuses: { 304: 'Nothing new since If-None-Match.', 404: 'No such set, or no prediction for the key.' },
    errors: 'Error',
  },
  {
    method: 'GET',
    url: '/v1/models',
    group: V1,
    scope: 'score',
    summary: 'Names of all models.',
    gives: 'ModelNames',
    errors: 'ProtocolError',
  },
  ...['/v1/models/:model', '/v1/models/:model/versions/:version', '/v1/models/:model/labels/:label'].map(
    (url): Endpoint => ({
      ...{ method: 'GET', url, group: V1, scope: 'score', errors: 'ProtocolError', gives: 'ModelStatus' },
      summary: 'State of the versions of a model.',
      statuses: { 404: LIVE_STATUSES[404] },
    }),
  ),
  ...ofModel('::predict', {
    method: 'POST',
    summary: 'Scores rows (instances, answered by predictions) or columns (inputs, answered by outputs).',
    takes: 'PredictRequest',
    gives: 'PredictAnswer',
    statuses: LIVE_STATUSES,
  }),
  {
    method: 'GET',
    url: '/v2',
    group: V2,
    scope: 'score',
    summary: 'Name, version and extensions of the server.',
    gives: 'ServerMetadata',
    errors: 'ProtocolError',
  },
  {
    method: 'GET',
    url: '/v2/health/live',
    group: HEALTH,
    scope: null,
    summary: 'Whether the process answers.',
    gives: 'Live',
    errors: 'ProtocolError',
  },
  {
    method: 'GET',
    url: '/v2/health/ready',
    group: HEALTH,
    scope: null,
    summary: 'Whether requests are taken.',
    gives: 'Ready',
    statuses: { 503: 'Not now.' },
    errors: 'ProtocolError',
  },
  ...ofModel('', {
    method: 'GET',
    summary: 'Inputs, outputs and versions; loads the model if need be.',
    gives: 'ModelMetadata',
    statuses: LIVE_STATUSES,
  }),
  ...ofModel('/ready', {
    method: 'GET',
    summary: 'Whether it is loaded and warm; loads nothing.',
    gives: 'ModelReady',
    statuses: { 404: LIVE_STATUSES[404], 503: 'It is not.' },
  }),
  ...ofModel('/stats', {
    method: 'GET',
    summary: 'Counts and times since the server started.',
    gives: 'ModelStatistics',
    statuses: { 404: LIVE_STATUSES[404] },
  }),
  ...ofModel('/infer', {
    method: 'POST',
    summary: 'Scores tensors.',
    notes: BINARY_NOTES,
    takes: 'InferRequest',
    isBinary: true,
    gives: 'InferAnswer',
    statuses: LIVE_STATUSES,
  }),
  {
    method: 'POST',
    url: '/v2/repository/index',
    group: REPOSITORY,
    scope: 'admin',
    summary: 'Every version that is known, with its state.',
    takes: 'RepositoryIndexRequest',
    gives: 'RepositoryIndex',
    errors: 'ProtocolError',
  },
  ...(['load', 'unload'] as const).map(
    (verb): Endpoint => ({
      ...{
        method: 'POST',
        url: `/v2/repository/models/:model/${verb}`,
        group: REPOSITORY,
        scope: 'admin',
        errors: 'ProtocolError',
      },
      summary: verb === 'load' ? 'Loads a model; answers when it is ready.' : 'Drains a model and unloads it.',
      takes: 'RepositoryRequest',
      gives: 'Empty',
      statuses: { 404: LIVE_STATUSES[404] },
    }),
  ),
  {
    method: 'GET',
    url: '/health/live',
    group: HEALTH,
    scope: null,
    summary: 'Whether the process answers.',
    gives: 'Status',
    errors: 'Error',
  },
  {
    method: 'GET',
    url: '/health/ready',
    group: HEALTH,
    scope: null,
    summary: 'Whether requests are taken.',
    gives: 'Status',
    statuses: { 503: 'Not now; status says why.' },
    errors: 'Error',
  },
  {
    method: 'GET',
    url: '/docs',
    group: 'Description',
    scope: null,
    summary: 'This description as a page.',
    gives: 'Page',
    errors: 'Error',
  },
  {
    method: 'GET',
    url: '/openapi.json',
    group: 'Description',
    scope: null,
    summary: 'This description as OpenAPI 3.1.',
    gives: 'Object',
    errors: 'Error',
  },
];
