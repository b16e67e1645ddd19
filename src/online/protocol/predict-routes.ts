import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ModelVersionState } from '../../base/contract/live-model.ts';
import { callerOf } from '../http/access.ts';
import { goneSignal } from '../http/gone-signal.ts';
import { bodyOf } from '../http/http-status.ts';
import { NO_PARAMETERS } from './call-parameters.ts';
import { type ModelParams, modelOf, sayPrediction, sayProtocolError } from './face.ts';
import { writePredictAnswer } from './predict-answer.ts';
import { type PredictRequestBody, readPredictRequest } from './predict-request.ts';
import type { ProtocolOptions } from './protocol-options.ts';

type ModelRequest = FastifyRequest<{ Params: ModelParams }>;

/** States in the words of TensorFlow Serving. */
const STATES: Readonly<Record<ModelVersionState['state'], string>> = {
  unloaded: 'END',
  loading: 'LOADING',
  ready: 'AVAILABLE',
  draining: 'UNLOADING',
  failed: 'END',
};

/** V1, the protocol of TensorFlow Serving and KServe. Errors: none. */
export function addPredictRoutes(app: FastifyInstance, options: ProtocolOptions): void {
  const { dataplane } = options;
  const score = { config: { scope: 'score', sayError: sayProtocolError } } as const;

  app.get('/v1/models', score, async (request) => {
    const { models } = callerOf(request);
    const names = (await dataplane.index()).map(({ name }) => name).filter((name) => models?.has(name) !== false);
    return { models: [...new Set(names)] };
  });

  for (const path of ['/v1/models/:model', '/v1/models/:model/versions/:version', '/v1/models/:model/labels/:label']) {
    app.get(path, score, async (request: ModelRequest) => {
      const states = await dataplane.states(...modelOf(request));
      return {
        name: request.params.model,
        ready: states.some(({ state }) => state === 'ready'),
        model_version_status: states.map(({ version, state, reason, failure }) => ({
          version: version ?? '',
          state: STATES[state],
          status: {
            error_code: state === 'failed' ? 'UNKNOWN' : 'OK',
            // The reason of a failure may name places of the server; the index of the repository, for the admin, has it.
            error_message: failure === null ? reason : bodyOf(failure).message,
          },
        })),
      };
    });
    // The router takes a colon for a part of the name before it, unless the name has a pattern.
    app.post(`${path}(^[^:]+)::predict`, score, (request: ModelRequest, reply) => predict(request, reply, options));
  }
}

const CALL = { id: null, outputs: null, parameters: NO_PARAMETERS, transportMs: null } as const;

async function predict(
  request: ModelRequest,
  reply: FastifyReply,
  { dataplane }: ProtocolOptions,
): Promise<FastifyReply> {
  const signal = goneSignal(reply);
  const model = await dataplane.model(...modelOf(request));
  let form: PredictRequestBody['form'] = 'rows';
  const result = await dataplane.infer(
    model,
    { face: 'predict', startedAt: request.startedAt, work: request.work },
    () => {
      const read = readPredictRequest(request.body, model);
      form = read.form;
      return { ...CALL, inputs: read.inputs, signal };
    },
  );
  return sayPrediction(reply, result).type('application/json; charset=utf-8').send(writePredictAnswer(result, form));
}
