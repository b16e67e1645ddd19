import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { ORIGINS } from '../../../src/base/contract/queue-records.ts';
import { loadJob } from '../../../src/cli/load/load-job.ts';
import { loadServe } from '../../../src/cli/load/load-serve.ts';
import { buildProgram } from '../../../src/cli/program/program.ts';
import { PREFIX } from '../../../src/fleet/queue/queue-redis.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const examples = join(root, 'examples');
const files = readdirSync(examples, { recursive: true }).map(String).sort();
const yamls = files.filter((name) => /\.ya?ml$/.test(name));

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

function documentsOf(name: string): Json[] {
  return parseAllDocuments(readFileSync(join(examples, name), 'utf8'), { merge: true }).map((document) => {
    expect(document.errors, name).toEqual([]);
    return document.toJS() as Json;
  });
}

/** Every object below a value. */
function* objectsIn(value: Json): Generator<{ [key: string]: Json }> {
  if (Array.isArray(value)) for (const item of value) yield* objectsIn(item);
  else if (typeof value === 'object' && value !== null) {
    yield value;
    for (const item of Object.values(value)) yield* objectsIn(item);
  }
}

/** The command lines of a file, as the words that `prescore` gets. */
function commandsIn(name: string): string[][] {
  if (/\.(py|md)$/.test(name)) return linesIn(readFileSync(join(examples, name), 'utf8'));
  const found: string[][] = [];
  for (const item of documentsOf(name).flatMap((d) => [...objectsIn(d)])) {
    if (item['image'] !== 'prescore') continue;
    // docker compose says command, Kubernetes args, for what is given to the image's entry point.
    const { command, args } = item;
    if (Array.isArray(command) && command[0] === 'sh') found.push(...linesIn(String((args as Json[])[0])));
    else found.push(((args ?? command) as Json[]).map(String));
  }
  return found;
}

function linesIn(text: string): string[][] {
  return [
    ...text.matchAll(/\bprescore ((?:run|worker|schedule|enqueue|publish|models)\b(?:"[^"\n]*"|[^\n|;"])*)/g),
  ].map((line) => [...line[1]!.matchAll(/"((?:[^"\\]|\\.)*)"|([^\s"']+)/g)].map((word) => word[1] ?? word[2] ?? ''));
}

interface Service {
  readonly file: string;
  readonly words: readonly string[];
  /** Seconds after which it is killed. */
  readonly stopS: number;
}

/** What the units of systemd and PM2 start, and the line of PM2 in the comment. */
function services(): readonly Service[] {
  const units = files
    .filter((name) => name.endsWith('.service'))
    .map((file): Service => {
      const text = readFileSync(join(examples, file), 'utf8');
      const [, line = ''] = /^ExecStart=\S+\/node_modules\/\.bin\/prescore (.+)$/m.exec(text) ?? [];
      return { file, words: line.split(' '), stopS: Number(/^TimeoutStopSec=(\d+)$/m.exec(text)?.[1]) };
    });
  const file = 'pm2/ecosystem.config.cjs';
  const require = createRequire(import.meta.url);
  const { apps } = require(join(examples, file)) as { apps: readonly { args: string; kill_timeout: number }[] };
  const apart = apps.map(({ args, kill_timeout: ms }): Service => ({ file, words: args.split(' '), stopS: ms / 1000 }));
  const comment = /--kill-timeout (\d+) -- (.+)$/m.exec(readFileSync(join(examples, file), 'utf8'));
  return [...units, ...apart, { file, words: comment![2]!.split(' '), stopS: Number(comment![1]) / 1000 }];
}

/** Parses a command line with the real program, whose actions do nothing; null, or what is wrong. */
async function problemOf(words: readonly string[]): Promise<string | null> {
  const program = buildProgram(() => undefined);
  const disarm = (command: Command): void => {
    command.action(() => undefined);
    for (const sub of command.commands) disarm(sub);
  };
  for (const command of program.commands) disarm(command);
  try {
    await program.parseAsync(words, { from: 'user' });
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test('there is something to look at', () => {
  expect(yamls.length).toBeGreaterThanOrEqual(5);
  expect(files.flatMap((f) => (/\.(ya?ml|py)$/.test(f) ? commandsIn(f) : [])).length).toBeGreaterThanOrEqual(7);
});

describe.each(files.filter((f) => /\.(ya?ml)$|airflow.*\.py$|mlflow.*\.md$/.test(f)))('%s', (name) => {
  test('its commands are commands', async () => {
    for (const words of commandsIn(name)) {
      // Kubernetes puts the number of the pod in.
      const given = words.map((word) => word.replace('$(JOB_COMPLETION_INDEX)', '0'));
      expect(await problemOf(given), words.join(' ')).toBeNull();
    }
  });
});

test('a flag that does not exist is found', async () => {
  expect(await problemOf(['run', 'job.yaml', '--no-such'])).toContain("unknown option '--no-such'");
  expect(await problemOf(['shedule', 'jobs'])).toContain('unknown command');
  expect(await problemOf(['schedule', 'jobs', '--grace', '30s', '--once'])).toBeNull();
});

test.each(yamls.filter((name) => /^prescore:/m.test(readFileSync(join(examples, name), 'utf8'))))(
  'the job file %s is one',
  (name) => {
    const job = loadJob(join(examples, name));
    expect(job.schedule).not.toBeNull();
  },
);

test.each(yamls.filter((name) => /^prescore-serve:/m.test(readFileSync(join(examples, name), 'utf8'))))(
  'the serve file %s is one, with the jobs it names',
  (name) => {
    const { config, jobs, warnings } = loadServe(join(examples, name));
    expect(jobs.size).toBe(Object.keys(config.sets).length);
    expect([warnings, config.keysFile]).toEqual([[], expect.stringMatching(/keys\.json$/)]);
  },
);

test('the lists that scale workers are those of the queue', () => {
  const lists = documentsOf('kubernetes/workers.yaml')
    .flatMap((d) => [...objectsIn(d)])
    .flatMap(({ listName }) => (typeof listName === 'string' ? [listName] : []));
  const wanted = ORIGINS.flatMap((origin) => [`${PREFIX}:${origin}:wait`, `${PREFIX}:${origin}:active`]);
  expect(lists.sort()).toEqual(wanted.sort());
});

test('serve files that commands name are there', () => {
  const named = files
    .filter((f) => /\.ya?ml$/.test(f))
    .flatMap((name) => commandsIn(name).flatMap((words) => (words[0] === 'serve' ? [words[1]!] : [])));
  expect(named.length).toBeGreaterThanOrEqual(1);
  for (const path of named) expect(files.map((f) => f.split('/').at(-1))).toContain(path.split('/').at(-1));
});

test('job files that commands name are there', () => {
  for (const name of files.filter((f) => /\.(ya?ml|py)$/.test(f))) {
    const named = commandsIn(name).flatMap((words) => words.filter((w) => /^\/(srv\/)?jobs\/.+\.yaml$/.test(w)));
    for (const path of named) expect(files.map((f) => f.split('/').at(-1))).toContain(path.split('/').at(-1));
  }
});

test('services of systemd and PM2 start commands, all four of each, and have time to end', async () => {
  const all = services();
  for (const folder of ['systemd', 'pm2']) {
    const started = all.filter(({ file }) => file.startsWith(folder)).map(({ words }) => words[0]);
    expect(new Set(started), folder).toEqual(new Set(['serve', 'stream', 'schedule', 'worker']));
  }
  for (const { file, words, stopS } of all) {
    expect(await problemOf(words), `${file}: ${words.join(' ')}`).toBeNull();
    const seconds = (flag: string): number => Number.parseInt(words[words.indexOf(flag) + 1] ?? '', 10);
    const drainS = words[0] === 'serve' ? seconds('--drain') : 0;
    expect(stopS, file).toBeGreaterThanOrEqual(seconds('--grace') + drainS + 5);
  }
});

test('Redis keeps what the queue needs, and workers have time to end', () => {
  const compose = documentsOf('compose/docker-compose.yaml')[0] as { services: Record<string, Record<string, Json>> };
  expect(compose.services['redis']?.['command']).toMatch(/--maxmemory-policy noeviction --appendonly yes/);
  for (const [name, service] of Object.entries(compose.services)) {
    const grace = (service['command'] as Json[] | undefined)?.includes?.('--grace');
    if (grace === true) expect(Number.parseInt(String(service['stop_grace_period']), 10), name).toBeGreaterThan(25);
  }
  const pods = yamls
    .filter((name) => dirname(name) === 'kubernetes')
    .flatMap((name) => documentsOf(name).flatMap((d) => [...objectsIn(d)]))
    .filter((item) => item['terminationGracePeriodSeconds'] !== undefined);
  expect(pods.length).toBeGreaterThanOrEqual(4);
  for (const pod of pods) {
    const words = JSON.stringify(pod['containers']);
    const grace = Number(/"--grace","(\d+)s"/.exec(words)?.[1] ?? 25);
    expect(Number(pod['terminationGracePeriodSeconds'])).toBeGreaterThanOrEqual(grace + 5);
  }
});
