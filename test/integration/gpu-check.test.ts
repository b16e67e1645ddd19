import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tempFolder } from '../harness/temp-job.ts';

const script = join(import.meta.dirname, '../../scripts/gpu-check.ts');
const check = (...args: string[]) => spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });

test('gpu-check says what is missing, measures nothing and exits 3 where the device is not there', () => {
  const out = join(tempFolder(), 'results', 'report.json');
  const { status, stdout } = check('--device', 'cuda:99', '--out', out);
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

test('gpu-check refuses what it does not know', () => {
  for (const args of [['--rows', '0'], ['--scale', '-1'], ['--what']]) expect(check(...args).status).toBe(2);
});
