import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { cliEntry } from './built-cli.ts';

export interface ServeProcess {
  readonly url: string;
  /** Of /metrics and /health; null when the file has no metricsPort. */
  readonly metricsUrl: string | null;
  readonly child: ChildProcess;
  /** Log lines so far, parsed. */
  readonly lines: readonly Record<string, unknown>[];
  /** Settles with the exit code. */
  readonly ended: Promise<number | null>;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<number | null>;
}

/** Limits of servers that are not tried for what they refuse: other tests take the cores, for longer than a server would let anybody wait. */
export const PATIENT = { loopDelay: '10s', queueTime: '10s' } as const;

/** Writes a serve file (as JSON, which is YAML) that listens on free ports, and gives its path. */
export function writeServe(folder: string, file: Readonly<Record<string, unknown>>, name = 'serve.yaml'): string {
  const path = join(folder, name);
  const listen = { port: 0, metricsPort: 0 };
  writeFileSync(path, JSON.stringify({ 'prescore-serve': 1, listen, ...file }, null, 1));
  return path;
}

/** `prescore serve` as a process of its own, once it answers. The caller stops it. `program`: another Node, another build. */
export async function startServe(
  path: string,
  args: readonly string[] = [],
  [node, entry]: readonly [node: string, entry: string] = [process.execPath, cliEntry],
  env: Readonly<Record<string, string>> = {},
): Promise<ServeProcess> {
  const child = spawn(node, [entry, 'serve', path, '--drain', '0s', ...args], {
    stdio: ['ignore', 'inherit', 'pipe'],
    env: { ...process.env, ...env },
  });
  const lines: Record<string, unknown>[] = [];
  let text = '';
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  const serving = new Promise<Record<string, unknown>>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const whole = text.split('\n');
      text = whole.pop() ?? '';
      for (const line of whole) {
        if (!line.startsWith('{')) continue;
        const parsed = JSON.parse(line) as Record<string, unknown>;
        lines.push(parsed);
        if (parsed['msg'] === 'serving') resolve(parsed);
      }
    });
    void ended.then((code) => reject(new Error(`serve ended with ${code}: ${JSON.stringify(lines)} ${text}`)));
  });
  const { url, metrics } = (await serving) as { readonly url: string; readonly metrics?: string };
  const stop = async (): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    return ended;
  };
  return { url, metricsUrl: metrics ?? null, child, lines, ended, stop };
}

/** The same for one test, which ends it. */
export async function serveFor(
  path: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<ServeProcess> {
  const server = await startServe(path, args, [process.execPath, cliEntry], env);
  onTestFinished(async () => {
    server.child.kill('SIGKILL');
    await server.ended;
  });
  return server;
}

export interface JsonAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** POST of a JSON body; GET without one. */
export async function ask(
  url: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<JsonAnswer> {
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await fetch(url, { ...init, headers: { ...type, ...headers } });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}
