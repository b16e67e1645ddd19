import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { LiveModel } from '../../base/contract/live-model.ts';
import { goneSignal } from '../http/gone-signal.ts';
import { type ModelParams, modelOf, sayPrediction, sayProtocolError } from './face.ts';
import { writeInferAnswer } from './infer-answer.ts';
import { type InferRequestBody, readInferRequest } from './infer-request.ts';
import type { ProtocolOptions } from './protocol-options.ts';
import { requestFault } from './request-fault.ts';

/** Extensions of the protocol that are served; clients read them before they use one. */
export const EXTENSIONS = ['binary_tensor_data', 'model_repository', 'statistics', 'schedule_policy'] as const;

type ModelRequest = FastifyRequest<{ Params: ModelParams }>;

/** V2, the Open Inference Protocol over HTTP, without the model repository. Errors: none. */
export function addInferRoutes(app: FastifyInstance, options: ProtocolOptions): void {
  const { dataplane, server } = options;
  const open = { config: { scope: null, sayError: sayProtocolError } } as const;
  const score = { config: { scope: 'score', sayError: sayProtocolError } } as const;
  const tensors = { config: { ...score.config, takes: 'binary' } } as const;

  app.get('/v2', score, () => ({ ...server, extensions: EXTENSIONS }));
  app.get('/v2/health/live', open, () => ({ live: true }));
  app.get('/v2/health/ready', open, (_request, reply) => {
    const isReady = options.whyNotReady() === null;
    return reply.code(isReady ? 200 : 503).send({ ready: isReady });
  });

  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    app.get(path, score, (request: ModelRequest) => dataplane.metadata(...modelOf(request)));
    app.get(`${path}/ready`, score, async (request: ModelRequest, reply) => {
      const [name, version] = modelOf(request);
      const isReady = await dataplane.isReady(name, version);
      return reply.code(isReady ? 200 : 503).send({ name, ready: isReady });
    });
    app.get(`${path}/stats`, score, async (request: ModelRequest) => ({
      model_stats: await dataplane.stats(...modelOf(request)),
    }));
    app.post(`${path}/infer`, tensors, (request: ModelRequest, reply) => infer(request, reply, options));
  }
}

async function infer(request: ModelRequest, reply: FastifyReply, options: ProtocolOptions): Promise<FastifyReply> {
  const { dataplane, parseJson } = options;
  const signal = goneSignal(reply);
  const model = await dataplane.model(...modelOf(request));
  const header = request.headers['inference-header-content-length'];
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  let isBinary: InferRequestBody['isBinary'] = () => false;
  const result = await dataplane.infer(
    model,
    { face: 'infer', startedAt: request.startedAt, work: request.work },
    () => {
      const call = readInferRequest(body, header?.toString(), model, parseJson);
      refuseHalfAsJson(model, call);
      isBinary = call.isBinary;
      return { ...call, transportMs: null, signal };
    },
  );
  const answer = writeInferAnswer(result, isBinary);
  sayPrediction(reply, result);
  if (answer.headerLength === null) return reply.type('application/json; charset=utf-8').send(answer.body);
  reply.header('inference-header-content-length', String(answer.headerLength));
  return reply.type('application/octet-stream').send(answer.body);
}

// Before anything is scored, rather than when the answer is written.
function refuseHalfAsJson({ signature }: LiveModel, { outputs, isBinary }: InferRequestBody): void {
  for (const { name, type } of signature.outputs) {
    if (type === 'float16' && (outputs === null || outputs.includes(name)) && !isBinary(name))
      throw requestFault('FP16 has no form in JSON', `output ${name}`, 'the parameter binary_data: true');
  }
}
