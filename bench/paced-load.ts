/*
 * The open loop, a process of its own: `node paced-load.ts PLAN`. Requests are due at fixed times whether or not earlier ones were
 * answered, and a request's time counts from then (no coordinated omission). HTTP/1.1 by hand over plain sockets, one request at a
 * time on each: a client library would need more CPU than the server. Prints one JSON object.
 */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { LoadPlan, PacedResult } from './http-plan.ts';

const plan = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as LoadPlan;
const rate = plan.rate ?? 1000;
const { hostname, port } = new URL(plan.url);
const LATE_MS = 10_000;
/** The server takes what has connected meanwhile. */
const SETTLE_MS = 500;
/** Timers of Node have whole milliseconds: at thousands of requests a second these would come in bursts. */
const TICK_MS = 0.2;
const NEVER = new Int32Array(new SharedArrayBuffer(4));
const requests = plan.bodies.map((body) =>
  Buffer.from(
    `POST ${plan.path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  ),
);

const good: number[] = [];
const goodSent: number[] = [];
const refused: number[] = [];
const statuses: Record<string, number> = {};
let sent = 0;
/** Answers with 200 before the last request was due. */
let inTime = 0;
let endsAt = Number.POSITIVE_INFINITY;
let failed = 0;
let open = 0;
/** Times at which requests are due that no connection was free for, oldest first. */
const waiting: number[] = [];
let waitingFrom = 0;
const idle: Lane[] = [];

/** One connection: a request at a time. */
class Lane {
  private socket: Socket | null = null;
  private due = 0;
  private sentAt = 0;
  private text = '';
  private isBusy = false;

  send(due: number): void {
    this.due = due;
    this.sentAt = performance.now();
    this.isBusy = true;
    this.text = '';
    sent++;
    this.socket ??= this.connected();
    this.socket.write(requests[sent % requests.length]!);
  }

  /** Connects now: a server that has too much to do takes one new connection in each turn of its event loop. */
  async open(): Promise<this> {
    this.socket = this.connected();
    await once(this.socket, 'connect');
    return this;
  }

  private connected(): Socket {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.take(text));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.socket = null;
      if (!this.isBusy) return;
      failed++;
      this.free();
    });
    return socket;
  }

  private take(text: string): void {
    // A connection that is not used is told so (408) before it is closed.
    if (!this.isBusy) return;
    this.text += text;
    const end = this.text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.text.slice(0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (this.text.length < end + 4 + length) return;
    const status = head.slice(9, 12);
    const now = performance.now();
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (status === '200') {
      if (now <= endsAt) inTime++;
      good.push(now - this.due);
      goodSent.push(now - this.sentAt);
    } else refused.push(now - this.due);
    this.isBusy = false;
    if (/connection: close/i.test(head)) {
      this.socket?.destroy();
      this.socket = null;
    }
    this.free();
  }

  private free(): void {
    this.isBusy = false;
    const next = waiting[waitingFrom];
    if (next === undefined) {
      idle.push(this);
      return;
    }
    waitingFrom++;
    this.send(next);
  }
}

function ask(due: number): void {
  const lane = idle.pop();
  if (lane !== undefined) lane.send(due);
  else if (open < plan.connections) {
    open++;
    new Lane().send(due);
  } else waiting.push(due);
}

async function pace(seconds: number): Promise<number> {
  const started = performance.now();
  endsAt = started + seconds * 1000;
  const count = Math.floor(rate * seconds);
  for (let next = 0; next < count; ) {
    const now = performance.now();
    while (next < count && started + (next * 1000) / rate <= now) ask(started + (next++ * 1000) / rate);
    Atomics.wait(NEVER, 0, 0, TICK_MS);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return count;
}

idle.push(...(await Promise.all(Array.from({ length: plan.connections }, () => new Lane().open()))));
open = idle.length;
await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
const cpu = process.cpuUsage();
const due = await pace(plan.seconds);
const { user, system } = process.cpuUsage(cpu);
// Answers that are on their way still count; what comes later than this has failed.
for (const limit = performance.now() + LATE_MS; idle.length < open && performance.now() < limit; )
  await new Promise((resolve) => setTimeout(resolve, 20));
failed += open - idle.length + (waiting.length - waitingFrom);
const at = (times: number[], share: number): number | null =>
  times.sort((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * share))] ?? null;
const result: PacedResult = {
  rate,
  due,
  sent,
  good: good.length,
  goodput: inTime / plan.seconds,
  refused: refused.length,
  failed,
  waited: waiting.length,
  statuses,
  p50: at(good, 0.5),
  p99: at(good, 0.99),
  sentP99: at(goodSent, 0.99),
  refusedP99: at(refused, 0.99),
  generatorCpu: (user + system) / 1e6,
};
process.stdout.write(JSON.stringify(result), () => process.exit(0));
