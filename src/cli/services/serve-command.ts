import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { ServeConfig } from '../../base/contract/serve-config.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { keepGarbageYoung } from '../../base/heap/young-garbage.ts';
import { createLogger, type Logger, type LogLevel } from '../../base/telemetry/logger.ts';
import { Metrics } from '../../base/telemetry/metrics.ts';
import { type OperationsServer, startOperationsServer } from '../../base/telemetry/operations-server.ts';
import type { LabelState } from '../../inference/host/label-events.ts';
import { Admission } from '../../online/http/admission.ts';
import { ApiKeys } from '../../online/http/api-keys.ts';
import { drain } from '../../online/http/drain.ts';
import { addHealthRoutes, type Health } from '../../online/http/health-route.ts';
import { buildServer } from '../../online/http/http-server.ts';
import { type DoneRequest, traceFields } from '../../online/http/request-trace.ts';
import { addPredictionRoutes, plainPredictions } from '../../online/lookup/predictions-route.ts';
import { ServeMetrics } from '../../online/lookup/serve-metrics.ts';
import { durationFlag } from '../load/duration-flag.ts';
import { type LoadedServe, loadServe } from '../load/load-serve.ts';
import { hearSignals } from '../processes/hear-signals.ts';
import { openLive } from '../wiring/open-live.ts';
import { openProtocols } from '../wiring/open-protocols.ts';
import { openServedSets } from '../wiring/open-served-sets.ts';
import { sayLabelTrouble, whyNotServed } from '../wiring/served-registry.ts';

export interface ServeFlags {
  readonly check?: boolean;
  readonly insecureNoAuth?: boolean;
  readonly allowUnpinned?: boolean;
  readonly grace: string;
  readonly drain: string;
  readonly port?: number;
  readonly logLevel: LogLevel;
}

const REMINDER_MS = 60_000;

/** `prescore serve`: answers until it is told to stop. Exit code 0 after a signal. */
export async function serveCommand(path: string, flags: ServeFlags): Promise<number> {
  const loaded = loadServe(path);
  const { config } = loaded;
  const log = createLogger('serve', flags.logLevel);
  const times = { graceMs: durationFlag('--grace', flags.grace), drainMs: durationFlag('--drain', flags.drain) };
  for (const warning of loaded.warnings) log.warn(warning);
  const isUnprotected = refuseUnprotected(config, flags);
  const tls = config.tls === null ? null : { cert: readPem(config.tls.cert), key: readPem(config.tls.key) };
  const auth = config.keysFile === null ? null : await ApiKeys.open(config.keysFile, (text) => log.error(text));
  if (flags.check === true) {
    auth?.close();
    process.stdout.write(`${path}: fine\n`);
    return 0;
  }
  const reminder = isUnprotected ? remind(log, config) : null;
  try {
    await serve(loaded, {
      ...times,
      tls,
      auth,
      log,
      port: flags.port ?? config.listen.port,
      allowUnpinned: flags.allowUnpinned === true,
    });
    return 0;
  } finally {
    if (reminder !== null) clearInterval(reminder);
    auth?.close();
  }
}

interface ServeDeps {
  readonly graceMs: number;
  readonly drainMs: number;
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly auth: ApiKeys | null;
  readonly log: Logger;
  readonly port: number;
  readonly allowUnpinned: boolean;
}

async function serve(loaded: LoadedServe, deps: ServeDeps): Promise<void> {
  const { config } = loaded;
  const { auth, log, tls, allowUnpinned } = deps;
  keepGarbageYoung();
  const metrics = new Metrics();
  const admission = new Admission(config.limits);
  const serveMetrics = new ServeMetrics(metrics, admission);
  let labels: () => readonly LabelState[] = () => [];
  const health: Health = {
    live: () => null,
    ready: () => (admission.isStopping ? 'stopping' : whyNotServed(labels())),
    note: () => sayLabelTrouble(labels()),
  };
  const signals = onSignals(log);
  const opened: (() => Promise<void>)[] = [];
  try {
    const live = await openLive(loaded, { metrics: serveMetrics, registryMetrics: metrics, log, allowUnpinned });
    labels = () => live.host?.labels() ?? [];
    opened.push(live.close);
    const served = openServedSets(loaded, { admission, metrics: serveMetrics, log, scorers: live.scorers });
    opened.push(served.close);
    await served.warmUp();
    const { listen: place, limits, hosts } = config;
    const onDone = (request: DoneRequest, status: number, ms: number): void => {
      serveMetrics.request(request.method, status);
      if (log.level === 'debug') log.debug(requestFields(request, status, ms), 'request');
    };
    const routes = { sets: served.sets, limits, metrics: serveMetrics, hasKeys: auth !== null };
    const plain = plainPredictions(routes);
    const app = buildServer({ host: place.host, hosts, limits, auth, tls, log, admission, onDone, plain });
    addHealthRoutes(app, health);
    addPredictionRoutes(app, routes);
    const { host: models } = live;
    const faces = { config, host: models, metrics: serveMetrics, admission, auth, tls, log, whyNotReady: health.ready };
    const protocols = await openProtocols(app, faces);
    opened.push(protocols.close);
    const operations = await openOperations(config, metrics, health);
    if (operations !== null) opened.push(operations.close);
    const url = await listen(app, tls === null ? 'http' : 'https', place.host, deps.port);
    const grpcPort = await protocols.listen();
    log.info(
      { url, grpcPort, metrics: operations?.url, sets: [...served.sets.keys()], keys: auth !== null },
      'serving',
    );
    await signals.first;
    await Promise.all([drain(app, admission, deps), protocols.drain(deps.graceMs, deps.drainMs)]);
  } finally {
    signals.off();
    // What hangs on a store that is away must not keep the process.
    for (const close of opened.reverse()) await Promise.race([close(), sleep(3_000, undefined, { ref: false })]);
    admission.close();
    log.info('server has stopped');
  }
}

function requestFields(request: DoneRequest, status: number, ms: number): Readonly<Record<string, unknown>> {
  const { id: requestId, traceparent, caller, method, route } = request;
  return { requestId, ...traceFields(traceparent), key: caller?.id, method, route, status, ms: Math.round(ms) };
}

async function openOperations(config: ServeConfig, metrics: Metrics, health: Health): Promise<OperationsServer | null> {
  const { host, metricsPort: port } = config.listen;
  return port === null ? null : startOperationsServer({ host, port, metrics: () => metrics.read(), ...health });
}

function onSignals(log: Logger): { readonly first: Promise<void>; readonly off: () => void } {
  let isStopping = false;
  let stop: () => void = () => undefined;
  const first = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const off = hearSignals((signal) => {
    if (isStopping) {
      log.warn({ signal }, 'stopped at once');
      process.exit(signal === 'SIGTERM' ? 143 : 130);
    }
    isStopping = true;
    log.info({ signal }, 'stopping: requests in work are finished first');
    stop();
  });
  return { first, off };
}

/** Gives the URL. Errors: USAGE. */
async function listen(app: FastifyInstance, scheme: string, host: string, port: number): Promise<string> {
  try {
    await app.listen({ host, port });
    const { port: own } = app.server.address() as AddressInfo;
    return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${own}`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !/^E[A-Z]+$/.test(code)) throw error;
    throw new PrescoreError('USAGE', {
      what: `cannot listen on ${host}:${port} (${code})`,
      fix: 'Change listen in the serve file, or pass --port.',
      cause: error,
    });
  }
}

/** Errors: SERVE_UNPROTECTED. Gives whether the server is open to others without keys, on purpose. */
function refuseUnprotected({ listen: { host }, keysFile }: ServeConfig, flags: ServeFlags): boolean {
  const isLoopback = host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
  if (isLoopback || keysFile !== null) return false;
  if (flags.insecureNoAuth === true) return true;
  throw new PrescoreError('SERVE_UNPROTECTED', { what: `${host} is not loopback, and there are no keys` });
}

function remind(log: Logger, { listen }: ServeConfig): NodeJS.Timeout {
  const say = (): void =>
    log.warn({ host: listen.host }, 'no keys are asked for: everybody who can connect is answered');
  say();
  return setInterval(say, REMINDER_MS).unref();
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const what = `a file of tls cannot be read (${(error as NodeJS.ErrnoException).code})`;
    throw new PrescoreError('SPEC_INVALID', { what, where: path, cause: error });
  }
}
