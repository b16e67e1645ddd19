import { expect, test } from 'vitest';
import { CPU_DEVICE, type GrantedDevice } from '../../../../src/base/contract/device.ts';
import type { Job } from '../../../../src/base/contract/job.ts';
import type { RunDone, StageTimes } from '../../../../src/base/contract/run-events.ts';
import { sayDevices, sayLimits } from '../../../../src/cli/output/print-summary.ts';
import {
  CPU,
  chooseDevices,
  refuseMostlyCpu,
  saySharedModel,
  sayUnusedGpu,
} from '../../../../src/cli/processes/choose-devices.ts';
import { saySmallMemory, shareMemory } from '../../../../src/cli/processes/memory-plan.ts';
import { gpuIdleShare } from '../../../../src/run/pipeline/finish-run.ts';

const GPU: GrantedDevice = { ...CPU_DEVICE, device: 'cuda:0', hardware: 'NVIDIA L4', driver: '580.95.05', tf32: false };

test.each([
  ['cpu', 2, true, ['cpu']],
  ['auto', 2, true, ['cuda:0', 'cuda:1']],
  ['auto', 0, true, ['cpu']],
  ['auto', 2, false, ['cpu']],
  ['cuda', 2, false, ['cuda:0', 'cuda:1']],
  ['cuda', 0, false, ['cuda:0']],
  ['cuda:5', 1, true, ['cuda:5']],
  ['webgpu', 0, false, ['webgpu']],
])('%s with %d GPUs, provider %s: %j', (asked, gpus, hasProvider, devices) => {
  expect(chooseDevices(asked, { gpus, hasProvider })).toEqual(devices);
});

test('the CPU is the one list that says CPU', () => {
  expect(chooseDevices('auto', { gpus: 0, hasProvider: true })).toBe(CPU);
});

test('a model of which a part runs on the CPU is told, and one of which most does is not for auto', () => {
  const some = { ...GPU, nodes: { CUDAExecutionProvider: 9, CPUExecutionProvider: 1 } };
  const most = { ...GPU, nodes: { CUDAExecutionProvider: 2, CPUExecutionProvider: 2 } };
  expect(saySharedModel(GPU)).toBeNull();
  expect(saySharedModel(undefined)).toBeNull();
  expect(saySharedModel(some)).toContain('1 of 10 nodes');
  expect(() => refuseMostlyCpu(GPU)).not.toThrow();
  expect(() => refuseMostlyCpu(some)).not.toThrow();
  expect(() => refuseMostlyCpu(most)).toThrow(expect.objectContaining({ code: 'PROVIDER_UNAVAILABLE' }));
});

test('on GPUs every scorer has a process of its own', () => {
  const gib = 2 ** 30;
  expect(shareMemory(8 * gib, 2, 4, 1024).threads).toBe(2);
  expect(shareMemory(8 * gib, 2, 4, 1024, true)).toMatchObject({ scorers: 2, threads: 1, slabs: 3 });
});

test('auto scorers are one for each GPU, or as many as the memory has room for, which is told', () => {
  const gib = 2 ** 30;
  expect(shareMemory(8 * gib, 'auto', 8, 1024, true)).toMatchObject({ scorers: 8, threads: 1 });
  const share = shareMemory(gib, 'auto', 8, 1024, true);
  expect(share.scorers).toBe(3);
  expect(saySmallMemory(share, 'auto', 8, gib, 1024, true)).toMatch(/3 of 8 scorers; \d+ MiB would use every GPU/);
});

test('a GPU that auto leaves unused for want of the provider is told', () => {
  expect(sayUnusedGpu('auto', { gpus: 1, hasProvider: false })).toContain('prescore gpu install');
  expect(sayUnusedGpu('auto', { gpus: 0, hasProvider: false })).toBeNull();
  expect(sayUnusedGpu('auto', { gpus: 1, hasProvider: true })).toBeNull();
  expect(sayUnusedGpu('cpu', { gpus: 1, hasProvider: false })).toBeNull();
});

test('the idle share of GPUs is what is left of the time of all scorers', () => {
  expect(gpuIdleShare(600, 1000)).toBeCloseTo(0.4);
  expect(gpuIdleShare(600, 2000)).toBeCloseTo(0.7);
  expect(gpuIdleShare(1100, 1000)).toBe(0);
  expect(gpuIdleShare(0, 0)).toBeNull();
});

test('the summary names the device unless it is the CPU that was asked for', () => {
  const run = (asked: string, granted: readonly GrantedDevice[], gpuIdle: number | null = null) => ({
    device: { asked, granted },
    gpuIdle,
  });
  expect(sayDevices([run('cpu', [CPU_DEVICE])])).toEqual([]);
  expect(sayDevices([run('auto', [CPU_DEVICE]), run('auto', [CPU_DEVICE])])).toEqual(['cpu, chosen by auto']);
  expect(sayDevices([run('cuda', [GPU], 0.34)])).toEqual(['cuda:0 (NVIDIA L4), idle 34 %']);
  const three = [run('cuda', [GPU], 0.34), run('cuda', [GPU], 0.5), run('cuda', [CPU_DEVICE, GPU], 0.1)];
  expect(sayDevices(three)).toEqual(['cuda:0 (NVIDIA L4), idle 34 to 50 %', 'cpu, cuda:0 (NVIDIA L4), idle 10 %']);
});

test('on a GPU that waits more scorers are advised, also where decoding takes longest', () => {
  const say = (gpuIdle: number | null, stages: Partial<StageTimes>) =>
    sayLimits(
      [{ gpuIdle, stages: { fetch: 100, decode: 100, model: 100, encode: 100, store: 100, ...stages } } as RunDone],
      {
        execution: { scorers: 'auto' },
      } as Job,
    ).replace(/^.*\. (?=[TMF])/, '');
  expect(say(0.1, { model: 9000 })).toBe('The GPU is the limit.');
  expect(say(0.9, { model: 9000 })).toMatch(/^The GPU waits for the CPU/);
  expect(say(0.9, { decode: 9000 })).toMatch(/^The GPU waits for the CPU/);
  expect(say(0.9, { fetch: 9000 })).toMatch(/^The store is the limit/);
  expect(say(null, { model: 9000 })).toBe('More cores would help.');
  // Of a few rows it would be the time of the first of each.
  expect(say(null, { model: 300 })).toBe('');
});
