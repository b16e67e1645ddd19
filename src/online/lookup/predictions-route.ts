import { hash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ServeLimits } from '../../base/contract/serve-config.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { type Caller, callerOf, requireName } from '../http/access.ts';
import { goneSignal } from '../http/gone-signal.ts';
import { type HttpAnswer, JSON_TYPE } from '../http/http-answer.ts';
import { RETRY_AFTER_S, statusOf } from '../http/http-status.ts';
import { parseBody } from '../http/parse-body.ts';
import type { PlainCall, PlainRoute } from '../http/plain-connection.ts';
import type { AskedKey } from '../live/asked-key.ts';
import { PlainBody } from './plain-body.ts';
import { type Asked, askedText, readAsked } from './read-asked.ts';
import type { ServeMetrics } from './serve-metrics.ts';
import { type Answer, type GivenAnswer, newTimes, type SetServer } from './set-server.ts';
import { writeAnswer, writeTimes, writeValues } from './write-answer.ts';

export interface PredictionRoutes {
  readonly sets: ReadonlyMap<string, SetServer>;
  readonly limits: ServeLimits;
  readonly metrics: ServeMetrics;
  /** Whether keys are asked for: then no cache on the way may keep answers for others. */
  readonly hasKeys: boolean;
}

const PREFIX = '/v1/predictions/';
const PATTERN = `${PREFIX}:set`;
/** What requests for a set that there is not are for the admission. */
const UNKNOWN = `${PATTERN} `;

/** Adds `POST /v1/predictions/{set}` and `GET /v1/predictions/{set}/{key}`. Errors: none. */
export function addPredictionRoutes(app: FastifyInstance, routes: PredictionRoutes): void {
  app.post(PATTERN, { config: { scope: 'lookup' } }, async (request, reply) => {
    const { body, startedAt, work } = request;
    const name = (request.params as { readonly set: string }).set;
    const call = { name, caller: callerOf(request), startedAt, work, gone: () => goneSignal(reply) };
    const answer = await answerPost(call, () => readAsked(body, routes.limits), routes);
    reply.code(answer.status).headers(answer.headers);
    return answer.body;
  });
  app.get(`${PATTERN}/:key`, { config: { scope: 'lookup' } }, async (request, reply) => {
    const { set, key } = request.params as { readonly set: string; readonly key: string };
    const server = setOf(set, callerOf(request), routes);
    const asked = askedText(key);
    const times = newTimes(request.work);
    const [answer] = await server.answer([asked], () => goneSignal(reply), times);
    const totalMs = performance.now() - request.startedAt;
    routes.metrics.answered(server, [answer!], totalMs / 1000);
    if (answer instanceof PrescoreError) throw answer;
    reply.header('server-timing', writeTimes(times, totalMs).header).type(JSON_TYPE);
    return cacheable(request, reply, server, asked, answer!, routes.hasKeys);
  });
}

/** The same POST for requests that come the short way. */
export function plainPredictions(routes: PredictionRoutes): PlainRoute {
  const { sets, limits } = routes;
  const bodies = new Map([...sets.keys()].map((name) => [name, new PlainBody(limits)]));
  const kinds = new Map([...sets.keys()].map((name) => [name, `${PATTERN} ${name}`]));
  const answer = (call: PlainCall): Promise<HttpAnswer> => {
    const plain = bodies.get(call.name);
    const row = plain?.read(call.bytes) ?? null;
    if (row !== null) return answerPost(call, () => ({ isOne: true, keys: [row] }), routes);
    const body = parseBody(call.bytes, limits);
    const asked = (): Asked => {
      const all = readAsked(body, limits);
      if (all.isOne) plain?.learn(all.keys[0]!);
      return all;
    };
    return answerPost(call, asked, routes);
  };
  return {
    ...{ prefix: PREFIX, pattern: PATTERN, scope: 'lookup' },
    kindOf: (name) => kinds.get(name) ?? UNKNOWN,
    isFull: (name) => sets.get(name)?.isFull === true,
    answer,
  };
}

async function answerPost(
  call: Omit<PlainCall, 'bytes'>,
  asked: () => Asked,
  routes: PredictionRoutes,
): Promise<HttpAnswer> {
  const server = setOf(call.name, call.caller, routes);
  const { isOne, keys } = asked();
  const times = newTimes(call.work);
  const answers = await server.answer(keys, call.gone, times);
  const totalMs = performance.now() - call.startedAt;
  routes.metrics.answered(server, answers, totalMs / 1000);
  const timings = writeTimes(times, totalMs);
  const headers: Record<string, string> = {
    'server-timing': timings.header,
    'cache-control': 'no-store',
    'content-type': JSON_TYPE,
  };
  if (!isOne) {
    const status = statusOfAll(answers);
    if (status === 503) headers['retry-after'] = String(RETRY_AFTER_S);
    return { status, headers, body: manyBody(server, keys, answers, timings.json) };
  }
  const answer = answers[0]!;
  if (answer instanceof PrescoreError) throw answer;
  headers['x-prescore-source'] = answer.source;
  return {
    status: 200,
    headers,
    body: `{"set":"${server.name}",${writeAnswer(keys[0]!, answer)},"timings":${timings.json}}`,
  };
}

function setOf(name: string, caller: Caller, { sets }: PredictionRoutes): SetServer {
  requireName(caller, 'sets', name);
  const server = sets.get(name);
  if (server === undefined) throw new PrescoreError('HTTP_NOT_FOUND', { what: 'no such set' });
  return server;
}

function manyBody(server: SetServer, asked: readonly AskedKey[], answers: readonly Answer[], timings: string): string {
  let text = `{"set":"${server.name}","predictions":[`;
  for (const [i, answer] of answers.entries()) text += `${i === 0 ? '' : ','}{${writeAnswer(asked[i]!, answer)}}`;
  return `${text}],"timings":${timings}}`;
}

/** 200 as long as one key has an answer, or the client's own keys are what is wrong. */
function statusOfAll(answers: readonly Answer[]): number {
  let worst = 200;
  for (const answer of answers) {
    if (!(answer instanceof PrescoreError)) return 200;
    const status = statusOf(answer.code);
    if (status < 500) return 200;
    worst = Math.max(worst, status);
  }
  return worst;
}

/**
 * The answer to a GET, in the words of HTTP caches: Age is that of the prediction, max-age what the serve file lets it become,
 * and no longer than `cacheFor` from now.
 */
function cacheable(
  request: FastifyRequest,
  reply: FastifyReply,
  server: SetServer,
  asked: AskedKey,
  answer: GivenAnswer,
  hasKeys: boolean,
): string {
  const { maxAgeMs, staleForMs, cacheForMs } = server.config;
  const etag = `W/"${tagOf(answer)}"`;
  const ageS = Math.floor(answer.ageMs / 1000);
  reply.header('etag', etag).header('age', String(ageS)).header('x-prescore-source', answer.source);
  if (hasKeys) reply.header('vary', 'authorization');
  if (answer.source === 'stale' || answer.source === 'default') reply.header('cache-control', 'no-store');
  else {
    const keptS = Math.floor(Math.min(cacheForMs, (maxAgeMs ?? Number.POSITIVE_INFINITY) - answer.ageMs) / 1000);
    const stale = staleForMs === null ? '' : `, stale-while-revalidate=${Math.floor(staleForMs / 1000)}`;
    reply.header('cache-control', `${hasKeys ? 'private' : 'public'}, max-age=${ageS + Math.max(0, keptS)}${stale}`);
  }
  if (isKnown(request.headers['if-none-match'], etag)) {
    reply.code(304);
    return '';
  }
  return `{"set":"${server.name}",${writeAnswer(asked, answer)}}`;
}

// Weak: the age in the body grows from one answer to the next.
function tagOf({ source, values, runId, model, scoredAt }: GivenAnswer): string {
  const text = `${source}\n${runId}\n${model?.sha256}\n${scoredAt}\n${writeValues(values)}`;
  return hash('sha256', text, 'base64url').slice(0, 22);
}

function isKnown(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const known = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return known.includes('*') || known.includes(etag.slice(2));
}
