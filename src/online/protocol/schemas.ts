import { DATATYPES } from './datatypes.ts';

/** A JSON Schema, as far as the description uses it. */
export type Schema = Readonly<Record<string, unknown>>;

const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const text = (description?: string): Schema => ({
  type: 'string',
  ...(description === undefined ? {} : { description }),
});
const whole = (description?: string): Schema => ({
  type: 'integer',
  minimum: 0,
  ...(description === undefined ? {} : { description }),
});
const list = (items: Schema, description?: string): Schema => ({
  type: 'array',
  items,
  ...(description === undefined ? {} : { description }),
});
const map = (values: Schema | true, description?: string): Schema => ({
  type: 'object',
  additionalProperties: values,
  ...(description === undefined ? {} : { description }),
});
const object = (
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
  more: Schema = {},
): Schema => ({
  type: 'object',
  properties,
  ...(required.length === 0 ? {} : { required }),
  ...more,
});

const KEY: Schema = {
  description: 'A text, a whole number, or for a key of several columns a list of these.',
  anyOf: [{ type: ['string', 'integer'] }, list({ type: ['string', 'integer'] })],
};
const FEATURES = map(true, 'Features by column name; null or absent is null.');
const TENSOR_DATA: Schema = {
  description:
    'Elements, nested by axes or flat in row-major order. NaN is null, an infinity "Infinity" or "-Infinity".',
};
const DURATION = ref('Duration');

/** Every schema that endpoints name. */
export const SCHEMAS: Readonly<Record<string, Schema>> = {
  Error: object(
    {
      error: object(
        {
          code: text('Stable; prescore help errors lists them.'),
          message: text(),
          where: text('The part of the request.'),
          requestId: text(),
        },
        ['code', 'message'],
      ),
    },
    ['error'],
  ),
  ProtocolError: object({ error: text() }, ['error']),
  Empty: object({}),
  Object: map(true),
  Page: { type: 'string', contentMediaType: 'text/html' },
  Status: object({ status: text('ok, or why not.') }, ['status']),

  PredictionRequest: {
    oneOf: [
      object({ key: KEY, features: FEATURES }, ['key']),
      object({ keys: list(KEY) }, ['keys']),
      object({ rows: list(object({ key: KEY, features: FEATURES }, ['key'])) }, ['rows']),
    ],
  },
  Prediction: object(
    {
      set: text(),
      key: KEY,
      source: { enum: ['cache', 'live', 'stale', 'default'] },
      values: map(true, 'Prediction columns by name.'),
      runId: { type: ['string', 'null'] },
      model: {
        anyOf: [
          object({ name: { type: ['string', 'null'] }, version: { type: ['string', 'null'] }, sha256: text() }),
          { type: 'null' },
        ],
      },
      scoredAt: { type: ['string', 'null'], format: 'date-time' },
      ageMs: whole(),
      timings: map({ type: 'number' }, 'Milliseconds of each stage; answers of POST have them.'),
    },
    ['key', 'source', 'values', 'runId', 'model', 'scoredAt', 'ageMs'],
  ),
  PredictionAnswer: {
    description:
      'Of a request with key: the prediction. Of keys and rows: a list in their order, each with values or an error.',
    anyOf: [
      ref('Prediction'),
      object({
        set: text(),
        predictions: list({ anyOf: [ref('Prediction'), object({ key: KEY, error: ref('Error') })] }),
        timings: map({ type: 'number' }),
      }),
    ],
  },

  ModelNames: object({ models: list(text()) }, ['models']),
  ModelStatus: object(
    {
      name: text(),
      ready: { type: 'boolean' },
      model_version_status: list(
        object({ version: text(), state: { enum: ['LOADING', 'AVAILABLE', 'UNLOADING', 'END'] }, status: map(text()) }),
      ),
    },
    ['name', 'ready'],
  ),
  PredictRequest: {
    oneOf: [
      object(
        {
          signature_name: { const: 'serving_default' },
          instances: list({ description: 'A value, a list, or an object of them by input name.' }),
        },
        ['instances'],
      ),
      object(
        {
          signature_name: { const: 'serving_default' },
          inputs: { description: 'The tensor of the only input, or an object of tensors by input name.' },
        },
        ['inputs'],
      ),
    ],
  },
  PredictAnswer: {
    oneOf: [
      object(
        {
          predictions: list({ description: 'A value, or an object of values by output name where there are several.' }),
        },
        ['predictions'],
      ),
      object(
        { outputs: { description: 'A tensor, or an object of tensors by output name where there are several.' } },
        ['outputs'],
      ),
    ],
  },

  ServerMetadata: object({ name: text(), version: text(), extensions: list(text()) }, [
    'name',
    'version',
    'extensions',
  ]),
  Live: object({ live: { type: 'boolean' } }, ['live']),
  Ready: object({ ready: { type: 'boolean' } }, ['ready']),
  ModelReady: object({ name: text(), ready: { type: 'boolean' } }, ['name', 'ready']),
  TensorMetadata: object(
    {
      name: text(),
      datatype: { enum: DATATYPES },
      shape: list({ type: 'integer', minimum: -1 }, '-1 stands for any length.'),
    },
    ['name', 'datatype', 'shape'],
  ),
  ModelMetadata: object(
    {
      name: text(),
      versions: list(text()),
      platform: { const: 'onnx_onnxv1' },
      inputs: list(ref('TensorMetadata')),
      outputs: list(ref('TensorMetadata')),
    },
    ['name', 'platform', 'inputs', 'outputs'],
  ),
  InferRequest: object(
    {
      id: text('Given back.'),
      parameters: object(
        {
          priority: whole('0: default and lowest; of 1 and more the lower number goes first.'),
          timeout: whole('Microseconds; 0: the deadline of the server.'),
          binary_data_output: {
            type: 'boolean',
            description: 'Outputs as binary tensors unless an output says otherwise.',
          },
        },
        [],
        { additionalProperties: true },
      ),
      inputs: list(
        object(
          {
            name: text(),
            datatype: { enum: DATATYPES },
            shape: list(whole()),
            parameters: object({
              binary_data_size: whole('Bytes of the tensor behind the JSON; then there is no data.'),
            }),
            data: TENSOR_DATA,
          },
          ['name', 'datatype', 'shape'],
        ),
      ),
      outputs: list(
        object({ name: text(), parameters: object({ binary_data: { type: 'boolean' } }) }, ['name']),
        'Left out: all.',
      ),
    },
    ['inputs'],
  ),
  InferAnswer: object(
    {
      model_name: text(),
      model_version: text(),
      id: text(),
      outputs: list(
        object(
          {
            name: text(),
            datatype: { enum: DATATYPES },
            shape: list(whole()),
            data: TENSOR_DATA,
            parameters: object({ binary_data_size: whole() }),
          },
          ['name', 'datatype', 'shape'],
        ),
      ),
    },
    ['model_name', 'outputs'],
  ),
  Duration: object({ count: whole(), ns: whole() }, ['count', 'ns']),
  ModelStatistics: object({
    model_stats: list(
      object({
        name: text(),
        version: text(),
        last_inference: whole('Milliseconds since 1970.'),
        inference_count: whole('Rows.'),
        execution_count: whole('Batches.'),
        inference_stats: map(DURATION, 'success, fail, queue, compute_infer and others of the protocol.'),
        batch_stats: list(
          object({ batch_size: whole(), compute_input: DURATION, compute_infer: DURATION, compute_output: DURATION }),
        ),
      }),
    ),
  }),
  RepositoryIndexRequest: object({ ready: { type: 'boolean', description: 'Only those that are ready.' } }),
  RepositoryIndex: list(
    object(
      {
        name: text(),
        version: text(),
        state: { enum: ['UNAVAILABLE', 'LOADING', 'READY', 'UNLOADING'] },
        reason: text(),
        labels: list(text(), 'Of a registry: labels that the version answers for.'),
      },
      ['name', 'state'],
    ),
  ),
  RepositoryRequest: object({ parameters: object({ version: text('Left out: the newest; for unload all of them.') }) }),
};
