import { createHmac } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { PrescoreError } from '../../../../src/base/errors/prescore-error.ts';
import { failedMessage, type NotifyMessage } from '../../../../src/fleet/notify/messages.ts';
import { Notifier } from '../../../../src/fleet/notify/notifier.ts';
import { signedHeaders } from '../../../../src/fleet/notify/webhook-signature.ts';
import { type HookServer, startHookServer } from '../../../harness/hook-server.ts';
import { jobText, parse } from '../../job/parse/sample-job.ts';

const TIMES = { attemptMs: 300, totalMs: 1500, firstPauseMs: 20 };
const error = new PrescoreError('MODEL_FAILED', { what: 'it failed', where: 'https://me:hunter2@h/x?key=hunter2' });
const failed = failedMessage('flight-delay', { partition: 'p', slot: '2026-11-21T02:00:00Z' }, error, new Date(0));

async function hookServer(...statuses: readonly (number | null)[]): Promise<HookServer> {
  const server = await startHookServer(...statuses);
  onTestFinished(() => server.close());
  return server;
}

/** Sends and waits; gives the warnings. */
async function send(
  notify: readonly object[],
  message: NotifyMessage = failed,
  env: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const warnings: string[] = [];
  const notifier = new Notifier({ env, warn: (text) => warnings.push(text), times: TIMES });
  notifier.tell(parse(jobText({ notify })), message);
  await notifier.close();
  return warnings;
}

test('the signature is that of Standard Webhooks', () => {
  // The example of the specification's reference libraries.
  const headers = signedHeaders(
    'msg_p5jXN8AQM9LWM0D4loKWxJek',
    1614265330,
    '{"test": 2432232314}',
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  );
  expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test('a message is signed with the secret of the environment, which is nowhere in it', async () => {
  const server = await hookServer(200);
  const before = Math.floor(Date.now() / 1000);
  expect(await send([{ url: `${server.url}?a=b`, secretEnv: 'HOOK' }], failed, { HOOK: 'open sesame' })).toEqual([]);
  const [call] = server.calls;
  expect(server.calls).toHaveLength(1);
  const { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signature } = call!.headers;
  const expected = createHmac('sha256', 'open sesame').update(`${id}.${seconds}.${call!.body}`).digest('base64');
  expect(signature).toBe(`v1,${expected}`);
  expect(Number(seconds)).toBeGreaterThanOrEqual(before);
  expect(call!.path).toBe('/hook?a=b');
  expect(call!.body).not.toContain('hunter2');
  expect(JSON.stringify(call)).not.toContain('open sesame');
  expect(JSON.parse(call!.body)).toMatchObject({
    type: 'run.failed',
    data: { job: 'flight-delay', partition: 'p', error: { code: 'MODEL_FAILED', exitCode: 5 } },
  });
});

test('tried again after 500, 429 and no answer, with the same id', async () => {
  const server = await hookServer(500, 429, null, 204);
  expect(await send([{ url: server.url }])).toEqual([]);
  expect(server.calls).toHaveLength(4);
  expect(new Set(server.calls.map((c) => c.headers['webhook-id'])).size).toBe(1);
  expect(server.calls[0]!.headers['webhook-signature']).toBeUndefined();
});

test.each([
  [404, 1, 'HTTP status 404, 1 try'],
  [302, 1, 'HTTP status 302, 1 try'],
])('given up at once: %d', async (status, calls, says) => {
  const server = await hookServer(status);
  expect((await send([{ url: server.url }]))[0]).toContain(says);
  expect(server.calls).toHaveLength(calls);
});

test('given up within the total time, and only warned of', async () => {
  const started = performance.now();
  const server = await hookServer(503);
  const [warning] = await send([{ url: server.url }, { url: 'http://127.0.0.1:1/x' }]);
  expect(warning).toMatch(/was not told of failed \((HTTP status 503|ECONNREFUSED|no connection)/);
  expect(server.calls.length).toBeGreaterThan(2);
  expect(performance.now() - started).toBeLessThan(TIMES.totalMs + 1000);
});

test('a secret that is not set: nothing is sent', async () => {
  const server = await hookServer(200);
  expect(await send([{ url: server.url, secretEnv: 'HOOK' }])).toEqual([expect.stringContaining('HOOK is not set')]);
  expect(server.calls).toEqual([]);
});

test('each hook hears what it asked for; rejects are failures to those who did not', async () => {
  const [all, failures, done] = [await hookServer(200), await hookServer(200), await hookServer(200)];
  const hooks = [{ url: all.url }, { url: failures.url, on: 'failed' }, { url: done.url, on: ['done'] }];
  const over = new PrescoreError('REJECT_LIMIT', { what: 'too many' });
  await send(hooks, failedMessage('j', { partition: null, slot: null }, over, new Date(0)));
  expect(all.calls).toHaveLength(1);
  expect(JSON.parse(all.calls[0]!.body).type).toBe('run.rejects');
  expect(failures.calls).toHaveLength(1);
  expect(done.calls).toEqual([]);
});
