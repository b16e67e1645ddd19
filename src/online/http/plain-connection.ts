import type { Socket } from 'node:net';
import type { CancelSignal } from '../../base/contract/live-model.ts';
import type { ServeLimits } from '../../base/contract/serve-config.ts';
import type { Logger } from '../../base/telemetry/logger.ts';
import type { Caller, Scope } from './access.ts';
import type { Admission } from './admission.ts';
import { Cancel } from './cancel.ts';
import type { Door } from './door.ts';
import { errorAnswer, type HttpAnswer } from './http-answer.ts';
import { refuseSocket } from './http-errors.ts';
import type { Intake } from './intake.ts';
import { plainAnswer } from './plain-answer.ts';
import type { PlainHead, PlainReader } from './plain-request.ts';
import { type DoneRequest, requestIdOf } from './request-trace.ts';
import type { Work } from './work-meter.ts';

/** A request for what stands behind the prefix, admitted. */
export interface PlainCall {
  readonly name: string;
  readonly caller: Caller;
  /** Owns: its body is the callee's. */
  readonly bytes: Buffer;
  /** `performance.now()` when its bytes were here. */
  readonly startedAt: number;
  readonly work: Work;
  /** Aborted when the client goes before its answer is out; made on demand. */
  readonly gone: () => CancelSignal;
}

export interface PlainRoute {
  /** Such as `/v1/predictions/`. */
  readonly prefix: string;
  readonly scope: Scope;
  /** For logs, such as `/v1/predictions/:set`. */
  readonly pattern: string;
  /** Whether a request for this name would be refused anyhow; then it is not read. */
  readonly isFull: (name: string) => boolean;
  /** What requests for this name are for the admission. */
  readonly kindOf: (name: string) => string;
  /** Throws PrescoreErrors. */
  readonly answer: (call: PlainCall) => Promise<HttpAnswer>;
}

export interface PlainOptions {
  readonly reader: PlainReader;
  readonly route: PlainRoute;
  readonly limits: ServeLimits;
  readonly admission: Admission;
  /** One for all connections. */
  readonly intake: Intake;
  readonly log: Logger;
  readonly door: Door;
  readonly onDone: (request: DoneRequest, status: number, ms: number) => void;
  /** Gives a connection to the HTTP server for good. */
  readonly handOver: (socket: Socket) => void;
}

interface Partial {
  readonly head: PlainHead;
  readonly pieces: Buffer[];
  bytes: number;
  readonly timer: NodeJS.Timeout;
}

/** One connection of the short way, until it is closed or handed over. Owns: its socket. */
export class PlainConnection {
  private readonly socket: Socket;
  private readonly options: PlainOptions;
  private readonly onLeft: () => void;
  private isBusy = false;
  private hasAnswered = false;
  private isGone = false;
  /** A request whose body has not all come. */
  private partial: Partial | null = null;
  /** What came while a request was in work. */
  private next: Buffer | null = null;
  private cancel: Cancel | null = null;

  constructor(socket: Socket, options: PlainOptions, onLeft: () => void) {
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
    const { partial } = this;
    if (partial !== null) this.complete(partial, bytes);
    else {
      const head = this.options.reader.read(bytes);
      if (head === null) this.handOver(bytes);
      else if (bytes.length === head.to) this.begin(head, [bytes]);
      else this.waitForRest(head, bytes);
    }
  };

  private waitForRest(head: PlainHead, bytes: Buffer): void {
    const tooLate = (): void => refuseSocket(socketError('ERR_HTTP_REQUEST_TIMEOUT'), this.socket);
    const timer = setTimeout(tooLate, this.options.limits.requestTimeMs);
    this.partial = { head, pieces: [bytes], bytes: bytes.length, timer };
  }

  private complete(partial: Partial, bytes: Buffer): void {
    const { head, pieces } = partial;
    pieces.push(bytes);
    partial.bytes += bytes.length;
    if (partial.bytes < head.to) return;
    clearTimeout(partial.timer);
    this.partial = null;
    if (partial.bytes > head.to) this.handOver(Buffer.concat(pieces));
    else this.begin(head, pieces);
  }

  private begin(head: PlainHead, pieces: readonly Buffer[]): void {
    this.isBusy = true;
    this.options.intake.offer(() => this.decide(head, pieces));
  }

  private decide(head: PlainHead, pieces: readonly Buffer[]): boolean {
    const { admission, route } = this.options;
    this.isBusy = false;
    if (this.isGone) return true;
    // Before anything is put together, parsed or looked up: to refuse must cost much less than to answer.
    const isTaken = !admission.isOver() && !route.isFull(head.name);
    if (isTaken) void this.serve(head, wholeOf(pieces).subarray(head.from));
    else {
      this.write(admission.refusal(head.to));
      this.goOn();
    }
    return isTaken;
  }

  private async serve(request: PlainHead, bytes: Buffer): Promise<void> {
    const { route, admission, log, onDone } = this.options;
    const startedAt = performance.now();
    const id = requestIdOf(request.requestId);
    this.isBusy = true;
    const work = admission.enter(route.kindOf(request.name), bytes.length);
    let caller: Caller | null = null;
    let answer: HttpAnswer;
    try {
      caller = this.options.door(request, route.scope);
      answer = await route.answer({ name: request.name, caller, bytes, startedAt, work, gone: this.gone });
    } catch (error) {
      answer = errorAnswer(error, { id, traceparent: request.traceparent }, log);
    }
    const { isGone } = this;
    this.isBusy = false;
    this.cancel = null;
    if (!isGone) this.write(answer, id);
    admission.leave(work);
    const { traceparent } = request;
    const done = { id, method: 'POST', traceparent, caller, route: route.pattern };
    onDone(done, isGone ? 499 : answer.status, performance.now() - startedAt);
    if (!isGone) this.goOn();
  }

  private readonly gone = (): CancelSignal => {
    this.cancel ??= new Cancel();
    if (this.isGone) this.cancel.abort();
    return this.cancel;
  };

  private write(answer: HttpAnswer, id: string | null = null): void {
    const { admission, limits } = this.options;
    const isLast = admission.isClosing || answer.headers['connection'] === 'close';
    const { text, encoding } = plainAnswer(answer, id, isLast ? null : limits.idleTimeMs);
    if (isLast) {
      this.isBusy = true;
      this.socket.end(text, encoding);
    } else if (!this.socket.write(text, encoding)) this.socket.pause();
    if (this.hasAnswered) return;
    this.hasAnswered = true;
    this.socket.setTimeout(limits.idleTimeMs);
  }

  // The next request, if it came meanwhile: clients that do not wait for answers are for the HTTP server.
  private goOn(): void {
    const { next } = this;
    if (next === null || this.isBusy) return;
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
    if (this.partial === null) this.socket.end();
    else refuseSocket(socketError('HPE_INVALID_EOF_STATE'), this.socket);
  };

  private readonly onClose = (): void => {
    this.leaveWork();
    this.onLeft();
  };

  private leaveWork(): void {
    this.isGone = true;
    clearTimeout(this.partial?.timer);
    this.cancel?.abort();
  }

  private readonly onError = (): void => {
    this.socket.destroy();
  };

  private readonly onTimeout = (): void => {
    if (this.isBusy || this.partial !== null) return;
    if (this.hasAnswered) this.socket.destroy();
    else refuseSocket(socketError('ERR_HTTP_REQUEST_TIMEOUT'), this.socket);
  };

  private readonly onDrain = (): void => {
    this.socket.resume();
  };
}

function wholeOf(pieces: readonly Buffer[]): Buffer {
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}

// In the words of Node's HTTP server.
function socketError(code: string): Error & { readonly code: string } {
  return Object.assign(new Error('the connection fell silent'), { code });
}
