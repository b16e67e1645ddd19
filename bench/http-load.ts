/*
 * The load generator, a process of its own: `node http-load.ts PLAN`. As many requests as the connections can, one at a time on
 * each (closed loop), by autocannon. Prints one JSON object.
 */
import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';
import type { LoadPlan, LoadResult } from './http-plan.ts';

const plan = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as LoadPlan;
const headers = { 'content-type': 'application/json' };
const requests = plan.bodies.map((body) => ({ method: 'POST' as const, path: plan.path, headers, body }));
const times: number[] = [];
let clients = 0;
let bad = 0;

function load(seconds: number, onResponse: (status: number, ms: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const instance = autocannon(
      {
        url: plan.url,
        connections: plan.connections,
        duration: seconds,
        timeout: 5,
        setupClient: (client) => {
          // Each connection begins elsewhere, so that no two ask for the same at the same time.
          const start = Math.floor((clients++ / plan.connections) * requests.length) % requests.length;
          client.setRequests([...requests.slice(start), ...requests.slice(0, start)]);
        },
      },
      (error) => (error ? reject(error) : resolve()),
    );
    instance.on('response', (_client, status, _bytes, ms) => onResponse(status, ms));
    instance.on('reqError', () => {
      bad++;
    });
  });
}

const cpu = process.cpuUsage();
const started = performance.now();
await load(plan.seconds, (status, ms) => {
  if (status === 200) times.push(ms);
  else bad++;
});
const seconds = (performance.now() - started) / 1000;
const { user, system } = process.cpuUsage(cpu);
times.sort((a, b) => a - b);
const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
const result: LoadResult = {
  requests: times.length,
  bad,
  seconds,
  perSecond: times.length / seconds,
  p50: at(0.5),
  p99: at(0.99),
  generatorCpu: (user + system) / 1e6,
};
process.stdout.write(JSON.stringify(result));
