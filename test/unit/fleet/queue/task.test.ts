import { describe, expect, it } from 'vitest';
import { checkAllowed, readTask, type Task, taskId } from '../../../../src/fleet/queue/task.ts';

const task: Task = { state: 's3://bucket/tables/_prescore', run: 'job.938db8c9.none.1', kind: 'chunk', n: 7 };

describe('a task', () => {
  it('has one id, which BullMQ takes: no colon, no integer', () => {
    expect(taskId(task)).toBe(taskId({ ...task }));
    expect(taskId(task)).not.toContain(':');
    expect(taskId(task)).toMatch(/^[0-9a-f]{12}\.job\./);
    const others = [
      { ...task, n: 8 },
      { ...task, kind: 'plan' as const },
      { ...task, state: 's3://bucket/other/_prescore' },
      { ...task, run: 'job.938db8c9.none.2' },
    ];
    expect(new Set([task, ...others].map(taskId)).size).toBe(5);
  });

  it('is read with care: anybody may write into a queue', () => {
    expect(readTask({ ...task, state: `${task.state}/`, more: 1 })).toEqual(task);
    const bad: unknown[] = [
      null,
      'text',
      {},
      { ...task, n: -1 },
      { ...task, n: 1.5 },
      { ...task, n: '7' },
      { ...task, kind: 'exec' },
      { ...task, run: '../../etc' },
      { ...task, run: 'job:1' },
      { ...task, state: 7 },
      { ...task, state: 'x'.repeat(3000) },
      { ...task, kind: 'publish', run: 'a/b' },
    ];
    for (const data of bad) expect(() => readTask(data)).toThrow(/QUEUE_CONFIG/);
  });

  it('is only done below an allowed prefix', () => {
    const allow = ['s3://bucket/tables', '/srv/data'];
    for (const state of ['s3://bucket/tables/_prescore', 's3://bucket/tables', '/srv/data/a/_prescore'])
      expect(() => checkAllowed(state, allow)).not.toThrow();
    const refused = [
      's3://bucket/tables2',
      's3://other/tables',
      '/srv/data/../etc',
      '/srv/database',
      '/',
      's3://bucket',
    ];
    for (const state of refused) expect(() => checkAllowed(state, allow)).toThrow(/STATE_REFUSED/);
  });
});
