import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
  type RawServerDefault,
} from 'fastify';
import type { ServeLimits } from '../../base/contract/serve-config.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import type { Logger } from '../../base/telemetry/logger.ts';
import type { Caller, Scope } from './access.ts';
import type { Admission } from './admission.ts';
import { type Door, type DoorOptions, doorOf } from './door.ts';
import { FastPath } from './fast-path.ts';
import { commonHeaders, type ErrorWriter } from './http-answer.ts';
import { answerError, answerUnknown, refuseSocket } from './http-errors.ts';
import { Intake } from './intake.ts';
import { isJsonType, parseBody } from './parse-body.ts';
import type { PlainRoute } from './plain-connection.ts';
import { PlainReader } from './plain-request.ts';
import { type DoneRequest, requestIdOf } from './request-trace.ts';
import type { Work } from './work-meter.ts';

const BINARY_TYPE = /^application\/octet-stream *(;|$)/i;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a key must be allowed; null: no key is asked for. A route without it is refused at start. */
    readonly scope?: Scope | null;
    /** `binary`: the route also takes application/octet-stream, and bodies without a type, as a Buffer. */
    readonly takes?: 'json' | 'binary';
    /** The body of an error answer, where a protocol has its own. */
    readonly sayError?: ErrorWriter;
  }
  interface FastifyRequest {
    /** Null only where no key is asked for. */
    caller: Caller | null;
    /** `performance.now()` when the request's headers were read. */
    startedAt: number;
    /** What it is for the admission. */
    work: Work;
  }
}

export interface ServerOptions extends DoorOptions {
  readonly limits: ServeLimits;
  /** PEM texts; null: plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly log: Logger;
  readonly admission: Admission;
  /** Called when an answer is out, or its client has gone (status 499). */
  readonly onDone?: (request: DoneRequest, status: number, ms: number) => void;
  /** Its POSTs, if they come whole, are answered without Node's HTTP streams. */
  readonly plain?: PlainRoute;
}

/**
 * The HTTP server without routes: limits, keys, Host check, bodies, errors. Rooms add their routes by `register`, each with
 * `config.scope`; what a handler throws becomes an answer by `http-status.ts`. JSON bodies arrive parsed and checked in
 * `request.body`, binary ones as a Buffer.
 *
 * Errors: none. Owns: the caller closes it.
 */
export function buildServer(options: ServerOptions): FastifyInstance {
  const { limits, admission } = options;
  const app = fastify({
    bodyLimit: limits.bodyBytes,
    genReqId: (raw) => requestIdOf(raw.headers['x-request-id']),
    logController: new LogController({ disableRequestLogging: true }),
    requestIdHeader: false,
    trustProxy: false,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    // A key may be 1,024 bytes long, each of them escaped.
    routerOptions: { maxParamLength: 3 * 1024 + 64 },
    frameworkErrors: (error, request, reply) => answerError(error, request, reply, options.log),
    clientErrorHandler: refuseSocket,
    serverFactory: (handler) => newServer(handler, options),
  });
  const door = doorOf(options);
  app.decorateRequest('caller', null);
  app.decorateRequest('startedAt', 0);
  app.decorateRequest('work');
  addBodies(app, limits);
  app.addHook('onRoute', ({ url, config }) => {
    if (config?.scope === undefined)
      throw new PrescoreError('INTERNAL', { what: 'a route without a scope', where: url });
  });
  app.addHook('onRequest', (request, reply, next) => {
    request.startedAt = performance.now();
    watchEnd(request, reply, options);
    reply.headers(commonHeaders(request.id));
    if (admission.isClosing) reply.header('connection', 'close');
    const { scope } = request.routeOptions.config;
    if (scope === null) return next();
    const { host, origin, authorization } = request.headers;
    request.caller = door({ host, origin, authorization }, scope);
    checkMediaType(request);
    next();
  });
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, options.log));
  answerUnknown(app, options.log);
  if (options.plain !== undefined) addFastPath(app, options.plain, door, options);
  return app;
}

function newServer(handler: RequestListener, options: ServerOptions): RawServerDefault {
  const { limits, tls, admission } = options;
  const settings = {
    // Node refuses what reaches the size; it counts the path and the headers' names and values.
    maxHeaderSize: limits.headerBytes + 1,
    headersTimeout: limits.headerTimeMs,
    requestTimeout: limits.requestTimeMs,
    keepAliveTimeout: limits.idleTimeMs,
    // How often the two times are looked at.
    connectionsCheckingInterval: Math.max(50, Math.min(1_000, limits.headerTimeMs / 4)),
    requireHostHeader: false,
  };
  const admitted: RequestListener = (request, response) => {
    // Before anything is read or built: to refuse must cost much less than to answer.
    if (admission.isOver() && !request.url!.startsWith('/health/')) {
      const { status, headers, body } = admission.refusal(request.headers['content-length']);
      response.writeHead(status, { ...headers, 'content-length': body.length }).end(body);
      return;
    }
    handler(request, response);
  };
  const server = tls === null ? createServer(settings, admitted) : createTlsServer({ ...settings, ...tls }, admitted);
  server.maxConnections = limits.connections;
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(417).end();
    request.destroy();
  });
  return server;
}

function watchEnd(request: FastifyRequest, reply: FastifyReply, { admission, onDone }: ServerOptions): void {
  const { raw } = reply;
  const work = admission.enter(request.routeOptions.url ?? '', request.headers['content-length']);
  request.work = work;
  raw.once('close', () => {
    admission.leave(work);
    onDone?.(doneRequest(request), raw.writableFinished ? raw.statusCode : 499, performance.now() - request.startedAt);
  });
}

function doneRequest({ id, method, headers, caller, routeOptions }: FastifyRequest): DoneRequest {
  return { id, method, traceparent: headers['traceparent'], caller, route: routeOptions.url ?? null };
}

/** Puts the short way in front of Node's own listener, which gets the connections that want more. */
function addFastPath(app: FastifyInstance, route: PlainRoute, door: Door, options: ServerOptions): void {
  const { server } = app;
  const event = options.tls === null ? 'connection' : 'secureConnection';
  const listeners = server.listeners(event);
  const { limits, admission, log, onDone = () => undefined } = options;
  const lane = new FastPath({
    reader: new PlainReader(route.prefix, limits),
    route,
    limits,
    admission,
    intake: new Intake(),
    log,
    onDone,
    door,
    handOver: (socket) => {
      for (const listener of listeners) listener.call(server, socket);
    },
  });
  server.removeAllListeners(event);
  server.on(event, (socket) => lane.take(socket));
  app.addHook('preClose', async () => lane.close());
}

function addBodies(app: FastifyInstance, limits: ServeLimits): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    try {
      done(null, parseBody(body, limits));
    } catch (error) {
      done(error as Error);
    }
  });
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body: Buffer, done) => done(null, body));
}

// Before the body is read: what cannot be parsed need not be sent.
function checkMediaType({ headers, routeOptions: { config } }: FastifyRequest): void {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw new PrescoreError('HTTP_MEDIA_TYPE', { what: 'compressed bodies are not read' });
  const type = headers['content-type'];
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (!hasBody || isJsonType(type)) return;
  if (config.takes === 'binary' && (type === undefined || BINARY_TYPE.test(type))) return;
  throw new PrescoreError('HTTP_MEDIA_TYPE', { what: 'the body is not application/json' });
}
