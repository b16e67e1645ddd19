import { sayDuration } from '../../base/telemetry/progress-line.ts';
import { TaskQueues } from '../../fleet/queue/task-queues.ts';
import { openQueueRedis } from '../wiring/open-queue.ts';
import type { Attempt } from './doctor-finding.ts';

/** Tasks that wait longer than this, with nobody at work, are worth a word. */
const LONG_MS = 60_000;

/** What `prescore doctor --redis URL` looks at: the server's settings, the workers, and what waits for them. */
export async function checkQueue(redis: string, attempt: Attempt): Promise<void> {
  const warnings: string[] = [];
  let opened: Awaited<ReturnType<typeof openQueueRedis>> | null = null;
  await attempt('queue', async () => {
    opened = await openQueueRedis({ redis }, (text) => warnings.push(text));
    const found = `${opened.url}: eviction off, takes writes`;
    if (warnings.length === 0) return { verdict: 'ok', found, fix: '' };
    return { verdict: 'warn', found: warnings.join('; '), fix: 'prescore help workers says how to set up the server.' };
  });
  if (opened === null) return;
  const queue: Awaited<ReturnType<typeof openQueueRedis>> = opened;
  try {
    const workers = await queue.workers();
    await attempt('workers', async () =>
      workers.length > 0
        ? { verdict: 'ok', found: workers.join(', '), fix: '' }
        : { verdict: 'warn', found: 'none', fix: 'Start one: prescore worker --redis URL --allow PREFIX' },
    );
    await attempt('waiting tasks', async () => {
      const queues = await TaskQueues.open(queue);
      try {
        const depths = await queues.depths();
        const found = depths.map((d) => `${d.origin} ${d.waiting} waiting, ${d.active} active`).join('; ');
        const oldest = Math.max(...depths.map((d) => d.oldestMs));
        if (oldest < LONG_MS) return { verdict: 'ok', found, fix: '' };
        const fix = 'Start more workers, or look at prescore runs list for a run that hangs.';
        return { verdict: 'warn', found: `${found}; the oldest waits since ${sayDuration(oldest / 1000)}`, fix };
      } finally {
        await queues.close();
      }
    });
  } finally {
    await queue.close();
  }
}
