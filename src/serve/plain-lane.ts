import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ServeLimits } from '../contract/serve-config.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Caller, Scope } from './access.ts';
import type { Admission } from './admission.ts';
import type { Door } from './door.ts';
import { commonHeaders, errorAnswer, type HttpAnswer } from './http-answer.ts';
import { refuseSocket } from './http-errors.ts';
import { parseBody } from './parse-body.ts';
import { type PlainRequest, readPlainRequest } from './plain-request.ts';
import { type DoneRequest, requestIdOf } from './request-trace.ts';
import { weightOf } from './work-meter.ts';

/** A request for what stands behind the prefix, admitted and parsed. */
export interface PlainCall {
  readonly name: string;
  readonly caller: Caller;
  readonly body: unknown;
  /** `performance.now()` when its bytes were here. */
  readonly startedAt: number;
  readonly weight: number;
  /** Aborted when the client goes before its answer is out; made on demand. */
  readonly gone: () => AbortSignal;
}

export interface PlainRoute {
  /** Such as `/v1/predictions/`. */
  readonly prefix: string;
  readonly scope: Scope;
  /** For logs, such as `/v1/predictions/:set`. */
  readonly pattern: string;
  /** Throws PrescoreErrors. */
  readonly answer: (call: PlainCall) => Promise<HttpAnswer>;
}

export interface PlainLaneOptions {
  readonly route: PlainRoute;
  readonly limits: ServeLimits;
  readonly admission: Admission;
  readonly log: Logger;
  readonly door: Door;
  readonly onDone: (request: DoneRequest, status: number, ms: number) => void;
  /** Gives a connection to the HTTP server for good. */
  readonly handOver: (socket: Socket) => void;
}

/**
 * The short way for the requests that nearly all traffic is made of: a POST that comes whole is read, answered and written without
 * Node's HTTP streams, which cost twice as much as the lookup. Anything else makes its connection one of Node's HTTP server,
 * with the bytes that have come.
 */
export class PlainLane {
  private readonly options: PlainLaneOptions;
  private readonly connections = new Set<PlainConnection>();

  constructor(options: PlainLaneOptions) {
    this.options = options;
  }

  /** Takes a new connection. Errors: none. */
  take(socket: Socket): void {
    const connection = new PlainConnection(socket, this.options, () => this.connections.delete(connection));
    this.connections.add(connection);
  }

  /** Cuts off all connections that are still here. */
  close(): void {
    for (const connection of this.connections) connection.destroy();
  }
}

class PlainConnection {
  private readonly socket: Socket;
  private readonly options: PlainLaneOptions;
  private readonly onLeft: () => void;
  private isBusy = false;
  private hasAnswered = false;
  private isGone = false;
  /** What came while a request was in work. */
  private next: Buffer | null = null;
  private controller: AbortController | null = null;

  constructor(socket: Socket, options: PlainLaneOptions, onLeft: () => void) {
    this.socket = socket;
    this.options = options;
    this.onLeft = onLeft;
    socket.setTimeout(options.limits.headerTimeMs);
    socket.on('data', this.onData).on('end', this.onEnd).on('close', this.onClose);
    socket.on('error', this.onError).on('timeout', this.onTimeout).on('drain', this.onDrain);
  }

  destroy(): void {
    this.socket.destroy();
  }

  private readonly onData = (bytes: Buffer): void => {
    if (this.isBusy) {
      this.next = this.next === null ? bytes : Buffer.concat([this.next, bytes]);
      this.socket.pause();
      return;
    }
    const { route, limits, admission } = this.options;
    const request = readPlainRequest(bytes, route.prefix, limits);
    // Before anything is parsed or looked up: to refuse must cost much less than to answer.
    if (request === null) this.handOver(bytes);
    else if (admission.isOver()) this.write(admission.refusal());
    else void this.serve(request);
  };

  private async serve(request: PlainRequest): Promise<void> {
    const { route, limits, admission, log, onDone } = this.options;
    const startedAt = performance.now();
    const weight = weightOf(request.body.length);
    const id = requestIdOf(request.requestId);
    this.isBusy = true;
    admission.enter(weight);
    let caller: Caller | null = null;
    let answer: HttpAnswer;
    try {
      caller = this.options.door(request, route.scope);
      const body = parseBody(request.body, limits);
      answer = await route.answer({ name: request.name, caller, body, startedAt, weight, gone: this.gone });
    } catch (error) {
      answer = errorAnswer(error, { id, traceparent: request.traceparent }, log);
    }
    const { isGone } = this;
    this.isBusy = false;
    this.controller = null;
    if (!isGone) this.write(answer, id);
    admission.leave(weight);
    const { traceparent } = request;
    const done = { id, method: 'POST', traceparent, caller, route: route.pattern };
    onDone(done, isGone ? 499 : answer.status, performance.now() - startedAt);
    if (!isGone) this.goOn();
  }

  private readonly gone = (): AbortSignal => {
    this.controller ??= new AbortController();
    if (this.isGone) this.controller.abort();
    return this.controller.signal;
  };

  private write({ status, headers, body }: HttpAnswer, id: string | null = null): void {
    const { admission, limits } = this.options;
    const isLast = admission.isClosing || headers['connection'] === 'close';
    const bytes = Buffer.byteLength(body);
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
    if (id !== null) for (const [name, value] of Object.entries(commonHeaders(id))) head += `${name}: ${value}\r\n`;
    for (const name in headers) if (name !== 'connection') head += `${name}: ${headers[name]}\r\n`;
    head += `content-length: ${bytes}\r\ndate: ${httpDate()}\r\n`;
    head += isLast
      ? 'connection: close\r\n\r\n'
      : `connection: keep-alive\r\nkeep-alive: timeout=${Math.floor(limits.idleTimeMs / 1000)}\r\n\r\n`;
    // Where all is ASCII, which a length in bytes tells, the cheaper encoding gives the same bytes.
    const encoding = bytes === body.length ? 'latin1' : 'utf8';
    if (isLast) {
      this.isBusy = true;
      this.socket.end(head + body, encoding);
    } else if (!this.socket.write(head + body, encoding)) this.socket.pause();
    if (this.hasAnswered) return;
    this.hasAnswered = true;
    this.socket.setTimeout(limits.idleTimeMs);
  }

  // The next request, if it came meanwhile: clients that do not wait for answers are for the HTTP server.
  private goOn(): void {
    const { next } = this;
    if (next === null) return;
    this.next = null;
    this.handOver(next);
  }

  private handOver(bytes: Buffer): void {
    const { socket } = this;
    this.leave();
    socket.setTimeout(0);
    this.options.handOver(socket);
    socket.emit('data', bytes);
    socket.resume();
  }

  private leave(): void {
    const { socket } = this;
    socket.off('data', this.onData).off('end', this.onEnd).off('close', this.onClose);
    socket.off('error', this.onError).off('timeout', this.onTimeout).off('drain', this.onDrain);
    this.onLeft();
  }

  private readonly onEnd = (): void => {
    this.leaveWork();
    this.socket.end();
  };

  private readonly onClose = (): void => {
    this.leaveWork();
    this.onLeft();
  };

  private leaveWork(): void {
    this.isGone = true;
    this.controller?.abort();
  }

  private readonly onError = (): void => {
    this.socket.destroy();
  };

  private readonly onTimeout = (): void => {
    if (this.isBusy) return;
    if (this.hasAnswered) this.socket.destroy();
    else refuseSocket(Object.assign(new Error('nothing came'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), this.socket);
  };

  private readonly onDrain = (): void => {
    this.socket.resume();
  };
}

let dateText = '';

function httpDate(): string {
  if (dateText === '') {
    dateText = new Date().toUTCString();
    setTimeout(
      () => {
        dateText = '';
      },
      1000 - (Date.now() % 1000),
    ).unref();
  }
  return dateText;
}
