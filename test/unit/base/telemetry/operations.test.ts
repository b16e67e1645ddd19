import { expect, onTestFinished, test } from 'vitest';
import { createLogger } from '../../../../src/base/telemetry/logger.ts';
import { Metrics } from '../../../../src/base/telemetry/metrics.ts';
import { parseListenAddress, startOperationsServer } from '../../../../src/base/telemetry/operations-server.ts';
import { failureOf } from '../../../harness/failure-of.ts';

test('metrics and health, and nothing else', async () => {
  const metrics = new Metrics({ withProcess: false });
  metrics.counter('prescore_things_total', 'Things.', ['job']).inc({ job: 'a' }, 3);
  let problem: string | null = 'not yet';
  const server = await startOperationsServer({
    host: '127.0.0.1',
    port: 0,
    metrics: () => metrics.read(),
    live: () => null,
    ready: () => problem,
  });
  onTestFinished(() => server.close());
  const text = await fetch(`${server.url}/metrics?x=1`).then((r) => r.text());
  expect(text).toContain('prescore_things_total{job="a"} 3');
  expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
  const early = await fetch(`${server.url}/health/ready`);
  expect([early.status, await early.text()]).toEqual([503, 'not yet\n']);
  problem = null;
  expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
  expect((await fetch(`${server.url}/`)).status).toBe(404);
  expect((await fetch(`${server.url}/metrics`, { method: 'POST' })).status).toBe(405);
  const port = Number(new URL(server.url).port);
  const taken = startOperationsServer({
    host: '127.0.0.1',
    port,
    metrics: () => metrics.read(),
    live: () => null,
    ready: () => null,
  });
  expect(await failureOf(taken)).toMatchObject({ code: 'USAGE' });
});

test.each([
  ['9090', { host: '127.0.0.1', port: 9090 }],
  ['0.0.0.0:80', { host: '0.0.0.0', port: 80 }],
  ['[::1]:9090', { host: '::1', port: 9090 }],
  ['localhost:0', { host: 'localhost', port: 0 }],
])('listen on %s', (text, address) => expect(parseListenAddress(text)).toEqual(address));

test.each(['', 'a:', ':', '127.0.0.1', '1:2:3', '127.0.0.1:99999', 'a b:1'])('not on %j', (text) => {
  expect(() => parseListenAddress(text)).toThrow('USAGE');
});

test('log lines are objects with the bound fields, and user information is blotted out', () => {
  const lines: string[] = [];
  const log = createLogger('schedule', 'info', { write: (text) => lines.push(text) });
  log.child({ job: 'j' }).info({ url: 'redis://me:hun/ter2@host:6379' }, 'hello');
  log.debug('not shown');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0]!)).toMatchObject({
    level: 'info',
    name: 'schedule',
    job: 'j',
    msg: 'hello',
    url: 'redis://…@host:6379',
  });
});
