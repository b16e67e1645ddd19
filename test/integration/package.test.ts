import { execFile } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { kindsJob } from '../harness/kinds-job.ts';
import { modelFolder } from '../harness/model-files.ts';
import { NODES, obtainNode } from '../harness/obtain-node.ts';
import { readOutput } from '../harness/read-parquet.ts';
import { makeBucket } from '../harness/s3-test-store.ts';
import { ask, startServe, writeServe } from '../harness/serve-process.ts';
import { suiteFolder } from '../harness/suite-folder.ts';
import { fixtures, writeJob } from '../harness/temp-job.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
// What a closed network needs: ONNX Runtime's installer else fetches CUDA files from outside the registry.
const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
const TOO_OLD = '20.20.2';
const NAMED = Object.keys(NODES).filter((version) => version !== TOO_OLD);
/** Whose N-API refuses tensors over shared memory. */
const COPYING: readonly string[] = ['22.12.0', '24.0.0'];

/** A program of somebody else that looks predictions up. */
const SERVICE = `
import { isPrescoreError, openPredictions } from 'prescore';
const [, , set, key] = process.argv;
const predictions = await openPredictions('lmdb:sets', set);
const found = await predictions.get(key);
const isAbsent = (await predictions.get('nothing')) === null;
await predictions.close();
const other = await openPredictions('lmdb:sets', 'other');
const code = await other.get(key).catch((error) => (isPrescoreError(error) ? error.code : String(error)));
console.log(JSON.stringify([found.values.score, found.model.name, isAbsent, code]));
`;

/** Types are of the package too: the last line must be the one that does not compile. */
const TYPED = `
import { openPredictions, type Prediction } from 'prescore';
const predictions = await openPredictions('lmdb:sets', 'a');
const found: Prediction | null = await predictions.get(['a', 1n]);
const wrong: number = found;
`;

/** All that one Node has predicted. */
interface Predicted {
  readonly rows: readonly (readonly unknown[])[];
  readonly sample: unknown;
  readonly kinds: readonly Record<string, unknown>[];
}

describe('the package from npm pack', () => {
  const folder = suiteFolder();
  const bin = join(folder, 'node_modules/.bin/prescore');
  const nodes = new Map([[process.versions.node, process.execPath]]);
  let features: readonly number[] = [];
  let models = '';
  let first: Predicted | null = null;

  beforeAll(async () => {
    const obtaining = Promise.all(
      Object.keys(NODES).map(async (version) => [version, await obtainNode(version)] as const),
    );
    await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: root, env });
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))!;
    expect(statSync(join(folder, tarball)).size).toBeLessThan(1_250_000);
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    await run('npm', ['install', '--silent', '--no-audit', '--no-fund', `./${tarball}`], { cwd: folder, env });
    for (const [version, file] of await obtaining) nodes.set(version, file);
    models = await modelFolder();
    mkdirSync(join(folder, 'data'));
    cpSync(join(fixtures, 'vectors/vector256_8192.parquet'), join(folder, 'data/vectors.parquet'));
    cpSync(join(fixtures, 'models/delay_mlp.onnx'), join(folder, 'data/delay_mlp.onnx'));
    writeFileSync(join(folder, 'service.mjs'), SERVICE);
    const vectors = await readOutput(join(folder, 'data'));
    features = Array.from(vectors[4321]!['features'] as Float32Array, Number);
  }, 600_000);

  /** A command under a Node, which must succeed and have nothing to complain of. */
  async function prescore(node: string, ...args: string[]): Promise<string> {
    const { stdout, stderr } = await run(nodes.get(node)!, [bin, ...args], { cwd: folder, env });
    expect(stderr).not.toMatch(/warning/i);
    return stdout;
  }

  it('is tried on the oldest Node of each line that it names, and on the newest', () => {
    const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { engines: { node: string } };
    const oldest = engines.node.split('||').map((range) => range.trim().replace(/^(\^|>=)/, ''));
    expect([...nodes.keys()]).toEqual(expect.arrayContaining(oldest));
    const lines = [...new Set(NAMED.map((version) => version.split('.')[0]!))];
    expect(oldest.map((version) => version.split('.')[0])).toEqual(lines);
  });

  it.each([process.versions.node, ...NAMED])(
    'works on Node %s: init, sample, run, publish, lookup, live, doctor',
    async (node) => {
      const name = `on-${node.replaceAll('.', '-')}`;
      const job = `${name}.yaml`;
      await prescore(node, 'init', 'data/delay_mlp.onnx', 'data/vectors.parquet', '--out', job, '--name', name);
      const sample = JSON.parse(await prescore(node, 'run', job, '--sample', '3', '--json')) as { rows: unknown[][] };
      expect(await prescore(node, 'run', job, '--as-of', '2013-01-01')).toContain('8,192');
      const output = await readOutput(join(folder, 'out', name));
      const rows = output.map((row) => [row['flight_id'], row['score']]);
      expect(sample.rows.map(([id, score]) => [id, Math.fround(Number(score))])).toEqual(rows.slice(0, 3));
      expect(await prescore(node, 'verify', `out/${name}`)).toContain('ok:');
      expect(await prescore(node, 'help', 'rejects')).toContain('# Rejects: ');

      appendFileSync(join(folder, job), `predictions: { store: 'lmdb:sets', key: flight_id }\n`);
      expect(await prescore(node, 'publish', job)).toContain('8,192');
      const [key, score] = rows[4321] as [string, number];
      const { stdout } = await run(nodes.get(node)!, ['service.mjs', name, key], { cwd: folder, env });
      expect(JSON.parse(stdout)).toEqual([score, 'delay_mlp', true, 'SET_UNKNOWN']);
      const found = await prescore(node, 'lookup', key, '--store', 'lmdb:sets', '--set', name, '--json');
      expect(JSON.parse(found)).toMatchObject({ values: { score } });

      expect(await liveScore(node, name, job, key)).toBe(score);
      const findings = (await prescore(node, 'doctor', job, '--json')).trim().split('\n');
      const verdicts = findings.map((line) => JSON.parse(line) as { check: string; verdict: string; found: string });
      expect(verdicts.filter(({ verdict }) => verdict === 'fail')).toEqual([]);
      const about = (check: string): string => verdicts.find((one) => one.check === check)!.found;
      expect(about('first rows')).toMatch(/^16 of .* are scored$/);
      expect(about('scoring')).toMatch(COPYING.includes(node) ? /feeds are copied/ : /^a row is scored$/);

      const kinds = join(folder, 'kinds', name);
      await prescore(node, 'run', writeJob(folder, { ...kindsJob(models, kinds), name }, `kinds-${name}.json`));
      const all = { rows, sample, kinds: await readOutput(kinds) };
      first ??= all;
      expect(all.rows).toHaveLength(8192);
      expect(all).toEqual(first);
    },
    60_000,
  );

  async function liveScore(node: string, name: string, job: string, key: string): Promise<unknown> {
    const file = { sets: { [name]: { job: join(folder, job), order: ['live'] } } };
    const server = await startServe(writeServe(folder, file, `serve-${name}.json`), [], [nodes.get(node)!, bin]);
    const { body } = await ask(`${server.url}/v1/predictions/${name}`, { key, features: { features } });
    expect(await server.stop()).toBe(0);
    expect(body['source']).toBe('live');
    return (body['values'] as { score: unknown }).score;
  }

  it('says nothing of its own on the oldest Node while many requests of a store are in flight', async () => {
    const address = inject('s3');
    const bucket = await makeBucket(address, 'oldest');
    const input = join(folder, 'many');
    mkdirSync(input);
    for (let i = 0; i < 24; i++) cpSync(join(models, 'types.parquet'), join(input, `${i}.parquet`));
    const job = writeJob(folder, {
      ...kindsJob(models, `s3://${bucket}/out`),
      input: { uri: `${input}/*.parquet` },
      execution: { scorers: 1, chunkRows: 1000 },
      stores: { main: { endpoint: address.endpoint, region: address.region, pathStyle: true } },
    });
    const keys = { AWS_ACCESS_KEY_ID: address.accessKeyId, AWS_SECRET_ACCESS_KEY: address.secretAccessKey };
    const { stderr } = await run(nodes.get('22.12.0')!, [bin, 'run', job, '--json'], { env: { ...env, ...keys } });
    expect(stderr).toBe('');
  }, 60_000);

  it('tells an older Node what it needs in one line, the command as well as the library', async () => {
    const old = nodes.get(TOO_OLD)!;
    const said = await run(old, [bin, 'run', 'job.yaml'], { cwd: folder }).catch((error: unknown) => error);
    const line = /^prescore needs Node 22\.12 or newer; this is Node 20\.20\.2\. Install Node 24 .*\n$/;
    expect(said).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(line) });
    const service = await run(old, ['service.mjs', 'a', 'b'], { cwd: folder }).catch((error: unknown) => error);
    expect(service).toMatchObject({ stderr: expect.stringContaining('NODE_UNSUPPORTED: this Node is too old;') });
  });

  it('has types', async () => {
    writeFileSync(join(folder, 'typed.mts'), TYPED);
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
    const types = ['--typeRoots', join(root, 'node_modules/@types')];
    const said = await run(process.execPath, [tsc, ...flags, ...types, 'typed.mts'], { cwd: folder }).catch(
      (error: { stdout: string }) => error,
    );
    expect(said.stdout.split('\n').filter((line) => line.includes('error'))).toEqual([
      "typed.mts(5,7): error TS2322: Type 'Prediction | null' is not assignable to type 'number'.",
    ]);
  });
});
