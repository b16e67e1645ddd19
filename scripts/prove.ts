/*
 * Long proofs: `npm run prove -- NAME`, `--help` says which. Outcomes are kept in .prove/, so that an interrupted proof goes on
 * where it was.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startRedis } from '../test/harness/redis-server.ts';
import { startS3 } from '../test/harness/s3-server.ts';
import { proveBackfills } from './prove/backfills.ts';
import { trainedCases } from './prove/contact-models.ts';
import { walkContact } from './prove/first-contact.ts';
import { type KillOutcome, proveKills } from './prove/kills.ts';
import { proveLakes } from './prove/lakes.ts';
import { proveMlflow } from './prove/mlflow.ts';
import { proveModels } from './prove/models.ts';
import type { Outcome, ProofOptions, SaidOutcome } from './prove/proof.ts';
import { type PublishKill, provePublish } from './prove/publish.ts';
import { proveQueue, type QueueOutcome } from './prove/queue.ts';
import { proveRegistry, type RegistryRound } from './prove/registry.ts';
import { playYear, yearOf } from './prove/schedule.ts';
import { proveShards } from './prove/shards.ts';
import { proveSwitch } from './prove/switch.ts';
import { proveTrainers } from './prove/trainers.ts';

interface Proof {
  readonly about: string;
  prove(): Promise<void>;
}

const PROOFS: Readonly<Record<string, Proof>> = {
  kills: { about: 'runs whose processes are killed at random moments', prove: kills },
  publish: { about: 'publications under kills, stops and a Redis that goes away', prove: publish },
  switch: { about: 'readers while sets are published, N times; no other option counts', prove: switches },
  shards: { about: 'runs shared by shards that are killed and stopped', prove: shards },
  backfills: { about: 'backfills whose client is killed', prove: backfills },
  queue: { about: 'runs on workers under faults of every process, Redis and S3', prove: queue },
  'first-contact': {
    about: 'models as people train them and their tables, from init to answers; of --count and --seed, the seed trains',
    prove: contact,
  },
  lakes: { about: 'tables whose types change from file to file, written by several tools', prove: lakes },
  models: {
    about: 'models as exporters and packages have them, from init to answers; of --count and --seed, the seed trains',
    prove: models,
  },
  registry: {
    about: 'registries with 16 adders and movers at once, killed at calls of their store; --count rounds',
    prove: registry,
  },
  mlflow: { about: 'models logged in a real MLflow and imported: every bit of 10,000 answers each', prove: mlflow },
  schedule: { about: 'years of schedules in a virtual world, with kills', prove: schedule },
  trainers: { about: 'models trained anew, their raw scores against those of their trainers', prove: trainers },
};
const HELP = `npm run prove -- PROOF [options]

${Object.entries(PROOFS)
  .map(([name, { about }]) => `  ${name.padEnd(13)} ${about}`)
  .join('\n')}

  --count N   cases (100)
  --seed N    of what is random (1)
  --only TEXT models whose name has it
  --fresh     forget what an interrupted proof has shown; it goes on where it was otherwise
`;
const say = (text: string): void => void process.stdout.write(`${text}\n`);

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        count: { type: 'string', default: '100' },
        seed: { type: 'string', default: '1' },
        only: { type: 'string' },
        fresh: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function refuse(why: string): never {
  process.stderr.write(`${why}\n\n${HELP}`);
  process.exit(2);
}

const { positionals, values } = readArguments();
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const proof = PROOFS[positionals[0] ?? ''];
const known = Object.keys(PROOFS).join(', ');
if (proof === undefined)
  refuse(positionals[0] === undefined ? `Which proof? ${known}` : `No proof ${positionals[0]}; there are ${known}`);
const [count, seed] = [Number(values.count), Number(values.seed)];
if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(seed))
  refuse('--count is a number from 1, --seed a whole number');
const root = join(fileURLToPath(new URL('..', import.meta.url)), '.prove');

/** Outcomes by number, those of an interrupted start included. */
class Outcomes<T extends Outcome> {
  readonly folder: string;
  readonly all: T[];
  private readonly path: string;

  constructor(name: string) {
    this.folder = join(root, `${name}-${seed}-${count}`);
    this.path = join(this.folder, 'outcomes.json');
    if (values.fresh) rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.folder, { recursive: true });
    this.all = existsSync(this.path) ? (JSON.parse(readFileSync(this.path, 'utf8')) as T[]) : [];
    say(`${name}: seed ${seed}, ${count} cases, ${this.all.length} done before`);
  }

  /** What is still to be shown; each outcome is kept, and said with these words. */
  options(sayOne: (outcome: T) => string): ProofOptions<T> {
    const onOutcome = (outcome: T): void => this.add(outcome, sayOne(outcome));
    return { seed, cases: this.waiting, folder: this.folder, onOutcome };
  }

  sum(of: (outcome: T) => number): number {
    return this.all.reduce((sum, outcome) => sum + of(outcome), 0);
  }

  get waiting(): number[] {
    const done = new Set(this.all.map((o) => o.index));
    return Array.from({ length: count }, (_, i) => i).filter((i) => !done.has(i));
  }

  add(outcome: T, text: string): void {
    this.all.push(outcome);
    writeFileSync(this.path, JSON.stringify(this.all, null, 1));
    say(`${this.all.length}/${count} ${text}: ${outcome.fault || 'identical'}`);
  }

  end(text: string): void {
    const bad = this.all.filter((o) => o.fault !== '');
    say(`${this.all.length - bad.length} of ${this.all.length} identical, ${text}`);
    process.exitCode = bad.length === 0 ? 0 : 1;
  }
}

async function kills(): Promise<void> {
  const outcomes = new Outcomes<KillOutcome>('kills');
  const options = outcomes.options((o) => {
    const when = o.atMs === null ? '' : ` at ${Math.round(o.atMs)} ms`;
    return `${o.victim}${when}, ${o.chunksBefore} chunks recorded, ${o.resumes} resumes`;
  });
  await proveKills(options, count);
  outcomes.end(`${outcomes.sum((o) => o.resumes)} resumes`);
}

async function publish(): Promise<void> {
  const outcomes = new Outcomes<PublishKill>('publish');
  await provePublish(outcomes.options((o) => `${o.say}, ${o.retries} more starts`));
  outcomes.end(`${outcomes.sum((o) => o.retries)} more starts`);
}

async function shards(): Promise<void> {
  const outcomes = new Outcomes<SaidOutcome>('shards');
  await proveShards(outcomes.options((o) => o.say));
  outcomes.end('one commit each');
}

async function backfills(): Promise<void> {
  const outcomes = new Outcomes<SaidOutcome>('backfills');
  await proveBackfills(outcomes.options((o) => o.say));
  outcomes.end('each partition scored once');
}

async function lakes(): Promise<void> {
  const outcomes = new Outcomes<SaidOutcome>('lakes');
  await proveLakes(outcomes.options((o) => o.say));
  outcomes.end('every value and prediction as it was written');
}

async function queue(): Promise<void> {
  const outcomes = new Outcomes<QueueOutcome>('queue');
  const options = outcomes.options((o) => {
    const faults = o.what.map((name, i) => `${name} at ${o.at[i] ?? '-'}`).join(', ');
    return `${faults}: ${o.seconds.toFixed(1)} s, ${o.twice} chunks twice`;
  });
  await proveQueue(options);
  outcomes.end(`${outcomes.sum((o) => o.what.length)} faults, ${outcomes.sum((o) => o.twice)} chunks scored twice`);
}

/** Long enough that generations are reclaimed under the readers, 60 s after they left `keep`. */
async function switches(): Promise<void> {
  const folder = join(root, `switch-${count}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const kind of ['redis', 'lmdb']) {
    const server = kind === 'redis' ? await startRedis({ persistent: false }) : null;
    try {
      const url = server?.url ?? `lmdb:${folder}/sets`;
      const options = { url, folder, publishes: count, keys: 20_000, leastMs: 100_000, pointerMs: 100 };
      const result = await proveSwitch(options);
      say(`${kind}: ${JSON.stringify(result)}`);
      const { mixed, missing, back, missingPages, badPages, keys } = result;
      if (mixed + missing + back + missingPages + badPages > 0 || keys < 1_000_000) process.exitCode = 1;
    } finally {
      await server?.stop();
    }
  }
  rmSync(folder, { recursive: true, force: true });
}

/** A model and a table each; the data and the trained models follow from the seed. */
async function contact(): Promise<void> {
  const folder = join(root, `first-contact-${seed}`);
  if (values.fresh) rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const cases = await trainedCases(join(folder, 'cases'), seed);
  let bad = 0;
  for (const [i, one] of cases.entries()) {
    const { faults, off, seconds } = await walkContact(one, join(folder, 'walks', one.name));
    if (faults.length > 0) bad++;
    const hand = one.edits === 0 ? 'unedited' : 'one edit';
    const right = off === 0 ? 'the same bits' : `off by ${off.toExponential(1)} at most`;
    const found = faults.length === 0 ? right : faults.join('; ');
    say(`${i + 1}/${cases.length} ${one.name}, ${one.tool}, ${hand}, ${seconds.toFixed(1)} s: ${found}`);
  }
  say(`${cases.length - bad} of ${cases.length} walked from init to answers as Python has them`);
  process.exitCode = bad === 0 ? 0 : 1;
}

/** Every model and its table; both follow from the seed. */
async function models(): Promise<void> {
  const folder = join(root, `models-${seed}`);
  if (values.fresh) rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const sums = new Map<string, number>();
  const { lost, leftOut } = await proveModels(folder, seed, values.only ?? null, (walk) => {
    const outcome = walk.fault === '' ? walk.outcome : 'WRONG';
    sums.set(outcome, (sums.get(outcome) ?? 0) + 1);
    const bits = walk.off === 0 ? 'the same bits' : `off by ${walk.off.toExponential(1)} at most`;
    const right = walk.outcome === 'refused by name' ? '' : `, ${bits}`;
    const held = `${Math.round(walk.peakBytes / 1e6)} MB at most`;
    say(
      `${walk.name}: ${outcome}${walk.fault === '' ? right : ''}, ${held}${walk.fault === '' ? '' : `: ${walk.fault}`}`,
    );
  });
  for (const text of [...lost.map((one) => `not exported: ${one}`), ...leftOut]) say(text);
  say([...sums].map(([outcome, n]) => `${n} ${outcome}`).join(', '));
  process.exitCode = sums.has('WRONG') ? 1 : 0;
}

async function mlflow(): Promise<void> {
  const outcomes = new Outcomes<SaidOutcome>('mlflow');
  await proveMlflow(outcomes.options((o) => o.say));
  outcomes.end('every bit of every answer');
}

async function trainers(): Promise<void> {
  const outcomes = new Outcomes<SaidOutcome>('trainers');
  await proveTrainers(outcomes.options((o) => o.say));
  outcomes.end('every bit of every raw score');
}

async function registry(): Promise<void> {
  const outcomes = new Outcomes<RegistryRound>('registry');
  const s3 = await startS3();
  try {
    await proveRegistry(
      outcomes.options((o) => o.say),
      s3,
    );
  } finally {
    await s3.stop();
  }
  outcomes.end(`${outcomes.sum((o) => o.kills)} kills`);
}

/** A year each; the number of the case says which schedule. */
async function schedule(): Promise<void> {
  const outcomes = new Outcomes<Outcome>('schedule');
  for (const index of outcomes.waiting) {
    const { faults, ...result } = await playYear(yearOf(index, seed));
    const { cron, timezone, catchUp, overlap } = yearOf(index, seed).schedule;
    const text = `${cron} ${timezone} ${catchUp} ${overlap}: ${JSON.stringify(result)}`;
    outcomes.add({ index, fault: faults.slice(0, 10).join('; ') }, text);
  }
  outcomes.end('a year each');
  // What was killed in the virtual world still waits for its answers.
  process.exit();
}

await proof.prove();
