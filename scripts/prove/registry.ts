import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Location } from '../../src/base/contract/object-store.ts';
import type { RegistryWriter } from '../../src/base/contract/registry.ts';
import { createStoreResolver } from '../../src/cli/wiring/open-store.ts';
import { openRegistryAt } from '../../src/registry/store/registry.ts';
import type { DeathHow } from '../../test/harness/dying-store.ts';
import {
  modelOf,
  type RegistryAnswer,
  type RegistryStep,
  type RegistryTask,
} from '../../test/harness/registry-child.ts';
import type { S3Address } from '../../test/harness/s3-server.ts';
import { makeBucket, openStores } from '../../test/harness/s3-test-store.ts';
import type { ProofOptions, SaidOutcome } from './proof.ts';

const CHILD = fileURLToPath(new URL('../../test/harness/registry-child.ts', import.meta.url));
const PROCESSES = 16;
const STEPS = 4;
const CONTENTS = 6;
/** Few enough that most processes come that far. */
const LAST_DEATH = 90;
const NAME = 'delay';
const TWO_DAYS_MS = 2 * 86_400_000;

export interface RegistryRound extends SaidOutcome {
  readonly kills: number;
}

interface Told {
  readonly who: string;
  readonly isKilled: boolean;
  readonly answers: readonly RegistryAnswer[];
}

/** Sixteen processes add versions, move labels and delete at once, most of them killed at a call of their store; even cases on files, odd ones on S3. */
export async function proveRegistry(options: ProofOptions<RegistryRound>, s3: S3Address): Promise<void> {
  for (const index of options.cases) {
    const folder = join(options.folder, `case-${index}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const isFile = index % 2 === 0;
    const stores = isFile ? createStoreResolver({}, { env: {} }) : openStores(s3);
    const uri = isFile ? `${folder}/registry/` : `s3://${await makeBucket(s3, 'registry')}/root/`;
    const draws = randomOf(options.seed * 1_000_003 + index);
    try {
      const tasks = Array.from({ length: PROCESSES }, (_, i) => taskOf(i, uri, folder, draws));
      const told = await Promise.all(tasks.map((task) => play(task, isFile ? {} : s3Environment(s3))));
      const kills = told.filter(({ isKilled }) => isKilled).length;
      const faults = await judge(stores.at(uri), told, folder).catch((error: Error) => [error.message]);
      if (faults.length === 0) rmSync(folder, { recursive: true, force: true });
      const say = `${isFile ? 'files' : 'S3'}: ${kills} of ${PROCESSES} killed, ${count(told, 'added')} adds, ${count(told, 'moved')} moves, ${count(told, 'removed')} deletions told`;
      options.onOutcome({ index, say, kills, fault: faults.slice(0, 5).join('; ') });
    } finally {
      await stores.close();
    }
  }
}

function taskOf(i: number, uri: string, folder: string, draw: (below: number) => number): RegistryTask {
  const steps = Array.from({ length: STEPS }, (): RegistryStep => {
    const kind = draw(10);
    if (kind < 5) return { kind: 'add', content: draw(CONTENTS) };
    return kind < 9
      ? { kind: 'move', label: ['stable', 'canary', 'shadow'][draw(3)]!, pick: draw(3) }
      : { kind: 'remove', pick: draw(5) };
  });
  const how = (['before', 'during', 'after'] as const satisfies readonly DeathHow[])[draw(3)]!;
  const dieAt = draw(8) === 0 ? 0 : 1 + draw(LAST_DEATH);
  return { uri, name: NAME, folder: join(folder, `p${i}`), who: `p${i}@test`, steps, dieAt, how };
}

function play(task: RegistryTask, env: NodeJS.ProcessEnv): Promise<Told> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CHILD, JSON.stringify(task)], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (bytes: Buffer) => {
      text += bytes.toString();
    });
    child.on('close', (_code, signal) => {
      const answers = text.split('\n').filter((line) => line.endsWith('}'));
      resolve({ who: task.who, isKilled: signal === 'SIGKILL', answers: answers.map((line) => JSON.parse(line)) });
    });
  });
}

/** What does not hold of a registry after a round. */
async function judge(root: Location, told: readonly Told[], folder: string): Promise<string[]> {
  const faults: string[] = [];
  const registry = openRegistryAt(root);
  // Gapless and hashed, or this throws.
  const history = await registry.history(NAME);
  const versions = await registry.versions(NAME);
  const digests = new Map(versions.map(({ version, digest }) => [version, digest]));
  for (const { who, answers } of told) {
    for (const one of answers) {
      if (one.did === 'added' && digests.get(one.version) !== one.digest)
        faults.push(`${who} was told that version ${one.version} is ${one.digest}; it is ${digests.get(one.version)}`);
      const link = one.did === 'moved' ? history[one.n - 1] : undefined;
      if (one.did === 'moved' && link?.labels[one.label] !== one.version)
        faults.push(`${who} was told of move ${one.n}, which is not in the chain`);
    }
  }
  const live = versions.filter(({ state }) => state === 'ready');
  if (new Set(live.map(({ digest }) => digest)).size !== live.length) faults.push('two versions have one digest');
  const ready = new Set(live.map(({ version }) => version));
  for (const [label, version] of Object.entries(history.at(-1)?.labels ?? {}))
    if (!ready.has(version)) faults.push(`the label ${label} names version ${version}, which is not there`);
  for (const { version } of live) faults.push(...(await wrongBytes(registry, root, version)));
  faults.push(...(await afterwards(registry, root, folder)));
  return faults;
}

async function wrongBytes(registry: RegistryWriter, { store }: Location, version: number): Promise<string[]> {
  const { record, location } = await registry.resolve({ name: NAME, by: 'version', version });
  const home = location.key.slice(0, -record!.main.length);
  const faults: string[] = [];
  for (const { path, sha256 } of record!.files) {
    const bytes = (await store.get(`${home}${path}`))?.bytes ?? new Uint8Array();
    if (createHash('sha256').update(bytes).digest('hex') !== sha256) faults.push(`${version}/${path} has other bytes`);
  }
  const claim = JSON.parse(Buffer.from((await store.get(`${home}claim.json`))!.bytes).toString());
  if (claim.digest !== record!.digest) faults.push(`version ${version} was claimed for another digest`);
  return faults;
}

/** Whoever comes after the dead: each model has one version again, and their claims go. */
async function afterwards(registry: RegistryWriter, root: Location, folder: string): Promise<string[]> {
  const faults: string[] = [];
  for (let content = 0; content < CONTENTS; content++) {
    const wanted = modelOf(join(folder, 'after'), NAME, content, 'after@test');
    const { record } = await registry.add(wanted);
    const again = await registry.add(wanted);
    if (again.isNew || again.record.version !== record.version) faults.push(`model ${content} was added twice`);
  }
  const options = { keep: 1000, used: new Map(), by: 'gc@test', nowMs: Date.now() + TWO_DAYS_MS, isApplied: true };
  await openRegistryAt(root).collect(NAME, options);
  const states = (await registry.versions(NAME)).map(({ state }) => state);
  if (states.includes('unfinished')) faults.push('a dead claim was not cleaned');
  if (states.filter((state) => state === 'ready').length !== CONTENTS) faults.push('not every model has one version');
  const bad = await registry.history(NAME).then(
    () => [],
    (error: Error) => [error.message],
  );
  return [...faults, ...bad];
}

function count(told: readonly Told[], did: RegistryAnswer['did']): number {
  return told.reduce((sum, { answers }) => sum + answers.filter((one) => one.did === did).length, 0);
}

function s3Environment(s3: S3Address): NodeJS.ProcessEnv {
  return {
    PRESCORE_S3_ENDPOINT: s3.endpoint,
    PRESCORE_S3_REGION: s3.region,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

/** Mulberry32. */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}
