import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
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

describe('the package from npm pack', () => {
  it('installs into an empty folder, and init and run work on Node 22 and 24', { timeout: 240_000 }, async () => {
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
    }
    expect(outputs[0]).toHaveLength(8192);
    expect(outputs[0]).toEqual(outputs[1]);
  });
});
