import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from '../../base/errors/error-codes.ts';
import { isPrescoreError, PrescoreError, toPrescoreError } from '../../base/errors/prescore-error.ts';
import type { Logger } from '../../base/telemetry/logger.ts';
import { errorAnswer, plainError } from './http-answer.ts';
import { bodyOf } from './http-status.ts';

/** What the library says of a request, in our codes; the rest of 4xx is a bad request. */
const LIBRARY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'HTTP_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'HTTP_MEDIA_TYPE',
  FST_ERR_BAD_URL: 'HTTP_NOT_FOUND',
};

/** Answers with an error, in the words of the route's protocol. Errors: none. */
export function answerError(thrown: unknown, request: FastifyRequest, reply: FastifyReply, log: Logger): void {
  const say = request.routeOptions.config.sayError ?? plainError;
  const failed = { id: request.id, traceparent: request.headers['traceparent'] };
  const { status, headers, body } = errorAnswer(fromLibrary(thrown), failed, log, say);
  reply.code(status).headers(headers).send(body);
}

function fromLibrary(thrown: unknown): PrescoreError {
  if (isPrescoreError(thrown)) return thrown;
  const { code, statusCode } = thrown as { readonly code?: unknown; readonly statusCode?: unknown };
  const known = typeof code === 'string' ? LIBRARY_CODES[code] : undefined;
  if (known === 'HTTP_TOO_LARGE') return new PrescoreError(known, { what: 'the body is too large (limits.body)' });
  if (known !== undefined) return new PrescoreError(known, { what: 'refused before it was read' });
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return new PrescoreError('HTTP_REQUEST', { what: 'the request is not valid HTTP', cause: thrown });
  return toPrescoreError(thrown);
}

/**
 * Answers paths that no route has: 405 with Allow where another method has it, else 404.
 *
 * Errors: none.
 */
export function answerUnknown(app: FastifyInstance, log: Logger): void {
  const known: { readonly path: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    known.push({ path: pathPattern(url), methods: [method].flat() });
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0]!;
    const allowed = new Set(known.flatMap((route) => (route.path.test(path) ? route.methods : [])));
    if (allowed.size === 0) {
      answerError(new PrescoreError('HTTP_NOT_FOUND', { what: 'no such path' }), request, reply, log);
      return;
    }
    reply.header('allow', [...allowed].sort().join(', '));
    answerError(new PrescoreError('HTTP_METHOD', { what: 'another method' }), request, reply, log);
  });
}

// The forms that routes have here: `/a/:name`, `/a/:name::verb` and `/a/*`.
function pathPattern(url: string): RegExp {
  const source = url
    .split(/(::|:[A-Za-z_]+(?:\([^)]*\))?|\*)/)
    .map((part, i) => {
      if (i % 2 === 0) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      return part === '::' ? ':' : part === '*' ? '.*' : '[^/]+?';
    })
    .join('');
  return new RegExp(`^${source}$`);
}

const SOCKET_ERRORS: Readonly<Record<string, readonly [status: string, code: ErrorCode]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'HTTP_TIMEOUT'],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'HTTP_TOO_LARGE'],
};

/** Answers what is no HTTP, or took too long, by hand: there is no request yet. The connection is closed. */
export function refuseSocket(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, code] = SOCKET_ERRORS[error.code ?? ''] ?? ['400 Bad Request', 'HTTP_REQUEST'];
  const what = code === 'HTTP_TOO_LARGE' ? 'the headers are too large (limits.headers)' : 'this is not valid HTTP';
  const body = JSON.stringify(plainError(bodyOf(new PrescoreError(code, { what }))));
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
