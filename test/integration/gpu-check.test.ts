import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { softwareVulkan } from '../harness/obtain-vulkan.ts';
import { tempFolder } from '../harness/temp-job.ts';

const script = join(import.meta.dirname, '../../scripts/gpu-check.ts');
const check = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', env: { ...process.env, ...env } });

test('gpu-check says what is missing, measures nothing and exits 3 where the device is not there', () => {
  const out = join(tempFolder(), 'results', 'report.json');
  const { status, stdout } = check(['--device', 'cuda:99', '--out', out]);
  expect(status).toBe(3);
  expect(stdout).toContain('cuda:99 cannot be used here: cuda:99 is not available');
  const report = JSON.parse(readFileSync(out, 'utf8'));
  expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toEqual(report);
  expect(report).toMatchObject({
    event: 'gpu-check',
    asked: 'cuda:99',
    isMeasured: false,
    checks: [],
    figures: [],
    exitCode: 3,
  });
  expect(report.status.events[0].event).toBe('gpu-status');
});

test('gpu-check compares a model on a device with itself and with the CPU', async () => {
  const args = ['--device', 'webgpu', '--models', 'mlp', '--rows', '64', '--batches', '64', '--no-bench'];
  const { status, stdout } = check(args, await softwareVulkan());
  expect(status).toBe(0);
  const report = JSON.parse(stdout.trim().split('\n').at(-1)!);
  expect(report).toMatchObject({
    isMeasured: true,
    isWhole: true,
    device: { isUsable: true },
    figures: [],
    exitCode: 0,
  });
  const [mlp, ...others] = report.checks;
  expect(others).toEqual([]);
  expect(mlp).toMatchObject({ model: 'mlp', rows: 64, verdict: 'within tolerance', rerun: { rows: 64, differing: 0 } });
  expect(mlp.granted[0]).toMatchObject({ device: 'webgpu', nodes: null });
  // SwiftShader adds up in another order than the CPU's kernels.
  expect(mlp.cpu.largest).toBeGreaterThan(0);
  expect(mlp.cpu.largest).toBeLessThan(1e-4);
  expect(Object.keys(mlp.batches)).toEqual(['auto']);
}, 60_000);

test('gpu-check refuses what it does not know', () => {
  for (const args of [['--rows', '0'], ['--scale', '-1'], ['--what'], ['--batches', '8,x'], ['--models', 'mlp,what']])
    expect(check(args).status).toBe(2);
});
