import { execFile } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readOutput } from '../harness/read-parquet.ts';
import { fixtures, tempFolder } from '../harness/temp-job.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
// What a closed network needs: ONNX Runtime's installer else fetches CUDA files from outside the registry.
const env = { ...process.env, npm_config_onnxruntime_node_install: 'skip', ONNXRUNTIME_NODE_INSTALL: 'skip' };

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

describe('the package from npm pack', () => {
  it('installs into an empty folder, and init, run and lookups work on Node 22 and 24', {
    timeout: 240_000,
  }, async () => {
    const folder = tempFolder();
    await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: root, env });
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))!;
    expect(statSync(join(folder, tarball)).size).toBeLessThan(1_000_000);
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    await run('npm', ['install', '--silent', '--no-audit', '--no-fund', `./${tarball}`, 'node@22'], {
      cwd: folder,
      env,
    });

    mkdirSync(join(folder, 'data'));
    cpSync(join(fixtures, 'vectors/vector256_8192.parquet'), join(folder, 'data/vectors.parquet'));
    cpSync(join(fixtures, 'models/delay_mlp.onnx'), join(folder, 'data/delay_mlp.onnx'));
    const bin = join(folder, 'node_modules/.bin');
    const node22 = join(bin, 'node');
    expect((await run(node22, ['--version'])).stdout).toMatch(/^v22\./);

    writeFileSync(join(folder, 'service.mjs'), SERVICE);
    const outputs = [];
    for (const [name, node] of [
      ['node22', node22],
      ['node24', process.execPath],
    ] as const) {
      const prescore = (...args: string[]) => run(node, [join(bin, 'prescore'), ...args], { cwd: folder, env });
      await prescore('init', 'data/delay_mlp.onnx', 'data/vectors.parquet', '--out', `${name}.yaml`, '--name', name);
      const { stdout } = await prescore('run', `${name}.yaml`, '--as-of', '2013-01-01');
      expect(stdout).toContain('8,192');
      outputs.push((await readOutput(join(folder, 'out', name))).map((row) => [row['flight_id'], row['score']]));
      expect((await prescore('verify', `out/${name}`)).stdout).toContain('ok:');

      appendFileSync(join(folder, `${name}.yaml`), `predictions: { store: 'lmdb:sets', key: flight_id }\n`);
      expect((await prescore('publish', `${name}.yaml`)).stdout).toContain('8,192');
      const [flight, score] = outputs.at(-1)![4321]!;
      const found = await run(node, ['service.mjs', name, String(flight)], { cwd: folder, env });
      expect(JSON.parse(found.stdout)).toEqual([score, 'delay_mlp', true, 'SET_UNKNOWN']);
    }
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
    expect(outputs[0]).toHaveLength(8192);
    expect(outputs[0]).toEqual(outputs[1]);
  });
});
