import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { GenerationEntry, PredictionStore } from '../../src/base/contract/prediction-set.ts';
import { changeState } from '../../src/sets/prediction-set/change-state.ts';
import { type CliRun, startPrescore } from '../../test/harness/cli.ts';
import { commitRows, setJob } from '../../test/harness/committed-run.ts';
import { openPredictionStore } from '../../test/harness/prediction-stores.ts';
import { childrenOf, isAlive, processState } from '../../test/harness/processes.ts';
import { pageDigests, publishHere } from '../../test/harness/publish-here.ts';
import { type RedisServer, startRedis } from '../../test/harness/redis-server.ts';
import type { ProofOptions, SaidOutcome } from './proof.ts';
import { type PublishCase, publishCase, sayCase } from './publish-cases.ts';

const CHILD = fileURLToPath(new URL('../../test/harness/publisher-child.ts', import.meta.url));
const SET = 'killed';
/** Eight residues, so that there is something between pages. */
const ROWS = 60_000;
const LEASE_MS = 700;

export interface PublishKill extends SaidOutcome {
  readonly retries: number;
}

interface Place {
  readonly url: string;
  readonly server: RedisServer | null;
  readonly job: string;
  readonly store: PredictionStore;
}

/**
 * Disturbs publications at seeded moments, starts them again until they are done, and compares every page with that of an
 * undisturbed publication of the same runs. The table before must have been served in between.
 */
export async function provePublish(options: ProofOptions<PublishKill>): Promise<void> {
  const wallMs = await undisturbedMs(join(options.folder, 'reference'));
  for (const index of options.cases) {
    const one = publishCase(options.seed, index);
    const folder = join(options.folder, `case-${index}`);
    rmSync(folder, { recursive: true, force: true });
    const place = await makePlace(folder, one);
    try {
      const { fault, retries } = await oneCase(one, place, folder, wallMs);
      if (fault === '') rmSync(folder, { recursive: true, force: true });
      options.onOutcome({ index, say: sayCase(one), retries, fault });
    } finally {
      await place.store.close();
      await place.server?.stop();
    }
  }
}

function rows(y: number): { readonly parts: readonly string[] } {
  return { parts: [`select 'key-' || (i % ${ROWS - 500}) as id, (i + ${y})::float as y from range(${ROWS}) t(i)`] };
}

/** Two tables are published already, so that the first is about to be reclaimed; the third is committed. */
async function makePlace(folder: string, { store }: PublishCase): Promise<Place> {
  mkdirSync(folder, { recursive: true });
  const args = ['--appendfsync', store === 'redis always' ? 'always' : 'everysec'];
  const server = store === 'lmdb' ? null : await startRedis({ persistent: true, args });
  const url = server?.url ?? `lmdb:${folder}/sets`;
  const job = setJob(folder, { store: url, set: SET, keep: 0 });
  for (const y of [1, 2]) {
    await commitRows(job, rows(y));
    await publishHere(job);
  }
  const opened = await openPredictionStore(url);
  const ago = new Date(Date.now() - 61_000).toISOString();
  const older = (g: GenerationEntry): GenerationEntry => (g.leftKeepAt === null ? g : { ...g, leftKeepAt: ago });
  await changeState(opened, SET, (state) => ({ ...state, generations: state.generations.map(older) }));
  await commitRows(job, rows(3));
  return { url, server, job, store: opened };
}

async function undisturbedMs(folder: string): Promise<number> {
  rmSync(folder, { recursive: true, force: true });
  const place = await makePlace(folder, { index: 0, store: 'lmdb', disturbance: { what: 'publisher', share: 0 } });
  try {
    const started = performance.now();
    const { code, stderr } = await startPrescore(['publish', place.job]).result;
    if (code !== 0) throw new Error(`the undisturbed publication failed: ${stderr}`);
    return performance.now() - started;
  } finally {
    await place.store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function oneCase(
  one: PublishCase,
  place: Place,
  folder: string,
  wallMs: number,
): Promise<{ readonly fault: string; readonly retries: number }> {
  const faults: string[] = [];
  const { disturbance } = one;
  let retries = 0;
  if (disturbance.what === 'stopped') faults.push(...(await stopped(disturbance.point, place)));
  else {
    const env: Record<string, string> =
      disturbance.what === 'publisher at a point' ? { PRESCORE_FAULT: disturbance.point } : {};
    const first = startPrescore(['publish', place.job], { env });
    if ('share' in disturbance) await kill(disturbance.what, disturbance.share * wallMs, first, place);
    const dead = await first.result;
    if (disturbance.what === 'publisher at a point' && dead.code !== 5)
      faults.push(`the point was not reached: exit ${dead.code} ${dead.stderr}`);
    faults.push(...(await notWhole(place)));
    for (let code = dead.code; code !== 0 && retries < 4; retries++) {
      const again = await startPrescore(['publish', place.job]).result;
      code = again.code;
      if (code !== 0 && retries === 3) faults.push(`not done after four starts: ${again.stderr}`);
    }
  }
  faults.push(...(await differences(place, one, folder)));
  return { fault: faults.join('; '), retries };
}

async function kill(
  what: 'publisher' | 'supervisor' | 'redis',
  atMs: number,
  run: CliRun,
  place: Place,
): Promise<void> {
  await Promise.race([run.result, sleep(atMs)]);
  if (what === 'redis') {
    await place.server!.kill();
    await sleep(200);
    await place.server!.restart();
    return;
  }
  const own = run.child.pid!;
  const [publisher = own] = childrenOf(own);
  try {
    process.kill(what === 'publisher' ? publisher : own, 'SIGKILL');
  } catch {
    // It was gone already.
  }
  await run.result;
  // The publisher ends by itself when its supervisor is gone.
  for (let i = 0; i < 100 && publisher !== own && isAlive(publisher); i++) await sleep(50);
  if (publisher !== own && isAlive(publisher)) throw new Error(`publisher ${publisher} outlived its supervisor`);
}

/** A publisher is stopped past its lease while another publishes something newer; when it goes on, nothing may change. */
async function stopped(point: string, { job, store }: Place): Promise<string[]> {
  const first = spawn(process.execPath, [CHILD, job, String(LEASE_MS)], {
    env: { ...process.env, PRESCORE_FAULT: `SIGSTOP:${point}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let said = '';
    first.stdout!.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const ended = once(first, 'close');
    if (!(await isStopped(first))) return [`it was not stopped: ${said}`];
    await commitRows(job, rows(4));
    await sleep(LEASE_MS + 100);
    await publishHere(job, { leaseMs: LEASE_MS });
    const before = JSON.stringify(await store.readState(SET));
    const served = (await store.readPointer(SET))!.generation;
    const pages = await pageDigests(store, SET, served);
    first.kill('SIGCONT');
    await ended;
    const faults: string[] = [];
    if (said !== 'SET_OWNED\n') faults.push(`the stopped publisher said ${said}`);
    if (JSON.stringify(await store.readState(SET)) !== before) faults.push('it changed the state');
    if (!isSame(await pageDigests(store, SET, served), pages)) faults.push('it changed pages');
    return faults;
  } finally {
    first.kill('SIGKILL');
  }
}

async function isStopped(child: ChildProcess): Promise<boolean> {
  for (let i = 0; i < 400 && child.exitCode === null; i++) {
    if (processState(child.pid!) === 'T') return true;
    await sleep(25);
  }
  return false;
}

/** After a kill the table before, or already the next one, must be served as a whole. */
async function notWhole({ store }: Place): Promise<string[]> {
  const served = (await store.readPointer(SET))?.generation ?? 0;
  if (served < 2) return [`generation ${served} is served after the kill`];
  return (await pageDigests(store, SET, served)).includes('missing') ? ['pages are missing after the kill'] : [];
}

async function differences({ store, url, job }: Place, one: PublishCase, folder: string): Promise<string[]> {
  const faults: string[] = [];
  const state = (await store.readState(SET))!;
  const { generation } = state.pointer;
  const reference = `lmdb:${folder}/reference`;
  const undisturbed = await openPredictionStore(reference);
  try {
    await publishHere(job, { to: reference });
    if (!isSame(await pageDigests(store, SET, generation), await pageDigests(undisturbed, SET, 1)))
      faults.push('pages differ from those of an undisturbed publication');
    const [own, other] = [await store.readMeta(SET, generation), await undisturbed.readMeta(SET, 1)];
    if (own!.publication !== other!.publication || own!.buckets !== other!.buckets) faults.push('the meta differs');
  } finally {
    await undisturbed.close();
  }
  if (state.lease !== null) faults.push('a lease is left');
  const served = state.generations.find((g) => g.generation === generation);
  if (served?.state !== 'ready' || served.rows !== ROWS - 500) faults.push(`entry is ${JSON.stringify(served)}`);
  if (one.disturbance.what !== 'stopped' && state.generations.some((g) => g.generation === 1))
    faults.push('generation 1 was not reclaimed');
  if (url.startsWith('lmdb:')) {
    const names = readdirSync(`${url.slice('lmdb:'.length)}/${SET}`, { recursive: true, encoding: 'utf8' });
    const drafts = names.filter((name) => /building|draft/.test(name));
    if (drafts.length > 0) faults.push(`${drafts.join(', ')} left behind`);
  }
  return faults;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((digest, i) => digest === b[i] && digest !== 'missing');
}
