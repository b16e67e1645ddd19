import { setTimeout as sleep } from 'node:timers/promises';
import { requireLabel, requireModelName } from '../../base/contract/model-ref.ts';
import { isPrescoreError, PrescoreError } from '../../base/errors/prescore-error.ts';
import { createLogger, type Logger } from '../../base/telemetry/logger.ts';
import { MLFLOW, parseMlflow } from '../../registry/import/mlflow-source.ts';
import { durationFlag } from '../load/duration-flag.ts';
import { hearSignals } from '../processes/hear-signals.ts';
import {
  type Followed,
  type FollowMemory,
  followOnce,
  NO_MEMORY,
  NotFollowed,
  type Step,
} from '../wiring/alias-follower.ts';
import { type ImportPlace, openTracking } from '../wiring/foreign-source.ts';
import { sayContradiction } from '../wiring/import-model.ts';
import { whoAmI } from '../wiring/open-registry.ts';
import { type RegistryFlags, withRegistry, withTools } from './registry-place.ts';

export interface WatchFlags extends RegistryFlags {
  readonly tracking?: string;
  readonly label: string;
  readonly by?: string;
  readonly every: string;
  readonly once?: boolean;
}

type Look = (memory: FollowMemory) => Promise<Step>;

const SHORTEST_MS = 1000;

/** `prescore models watch mlflow:models:/NAME@ALIAS NAME --label L`: a label follows an alias, until a signal comes. */
export async function modelsWatch(text: string, name: string, flags: WatchFlags): Promise<number> {
  const everyMs = durationFlag('--every', flags.every);
  if (everyMs < SHORTEST_MS) throw new PrescoreError('USAGE', { what: '--every is below 1s', got: flags.every });
  requireLabel(flags.label);
  requireModelName(name);
  const followed = { source: readSource(text), text, name, label: flags.label, by: whoAmI(flags.by) };
  const log = createLogger('watch').child({ source: text, model: `${name}@${flags.label}` });
  const controller = new AbortController();
  let exitCode: number | null = null;
  const done = hearSignals((signal) => {
    exitCode = signal === 'SIGTERM' ? 143 : 130;
    controller.abort();
  });
  const { signal } = controller;
  try {
    const tracking = flags.tracking === undefined ? {} : { tracking: flags.tracking };
    await withRegistry(flags, [], async (registry, stores) => {
      const client = openTracking({ ...tracking, signal });
      const look: Look = (memory) =>
        withTools(stores, (tools) => {
          const place: ImportPlace = { stores, scratchDir: tools.scratchDir, ...tracking, signal };
          return followOnce(followed, memory, { client, registry, place, tools });
        });
      if (flags.once === true) say(await look(NO_MEMORY), followed, log, null);
      else await keepLooking(look, followed, everyMs, log, signal);
    });
  } catch (error) {
    if (exitCode === null) throw error;
  } finally {
    done();
  }
  return exitCode ?? 0;
}

// What fails is said once, and tried again at the next look.
async function keepLooking(
  look: Look,
  followed: Followed,
  everyMs: number,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  let last: Step | null = null;
  let memory = NO_MEMORY;
  let failure = '';
  log.info({ every: everyMs }, 'watching');
  while (!signal.aborted) {
    try {
      const step: Step = await look(memory);
      if (failure !== '') log.info('the look succeeds again');
      failure = '';
      say(step, followed, log, last);
      last = step;
      if (step.kind === 'moved') memory = { ...memory, done: { of: step.of.version, version: step.now } };
    } catch (error) {
      if (signal.aborted) return;
      if (!isPrescoreError(error)) throw error;
      if (failure !== error.message) log.error({ code: error.code }, error.message);
      failure = error.message;
      if (error instanceof NotFollowed) memory = { ...memory, refused: { of: error.of, error } };
    }
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

function say(step: Step, { label, name }: Followed, log: Logger, last: Step | null): void {
  const version = step.of.version;
  if (step.kind === 'moved') {
    const { record, isNew, contradictions, declaredBy } = step.imported;
    for (const one of contradictions) log.warn(`${sayContradiction(declaredBy ?? 'MLmodel', one)}; the file counts`);
    log.info(
      { version, isNew, digest: record.digest, move: step.link.n },
      `${name}@${label} names version ${record.version}`,
    );
    return;
  }
  if (last?.kind === step.kind && last.of.version === version) return;
  if (step.kind === 'unmoved') log.info({ version }, 'the alias is where it was');
  else
    log.warn({ version, now: step.now }, 'somebody moved the label since it followed; it stays until the alias moves');
}

function readSource(text: string): Followed['source'] {
  const source = text.startsWith(MLFLOW) ? parseMlflow(text) : null;
  if (source !== null && source.by !== 'version') return source;
  throw new PrescoreError('USAGE', {
    what: source === null ? 'only models of MLflow are watched' : 'a version does not move',
    expected: 'mlflow:models:/NAME@ALIAS or mlflow:models:/NAME/Production',
    got: text,
  });
}
