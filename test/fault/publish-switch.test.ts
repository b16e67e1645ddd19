import { afterAll, describe, expect, it } from 'vitest';
import { proveSwitch } from '../../scripts/prove/switch.ts';
import { type RedisServer, startRedis } from '../harness/redis-server.ts';
import { tempFolder } from '../harness/temp-job.ts';

const servers: RedisServer[] = [];
afterAll(async () => {
  for (const server of servers) await server.stop();
});

async function placeOf(kind: string): Promise<string> {
  if (kind === 'lmdb') return `lmdb:${tempFolder()}/sets`;
  const server = await startRedis({ persistent: false });
  servers.push(server);
  return server.url;
}

describe('readers while tables are switched (the full proof: npm run prove -- switch)', () => {
  it.each(['redis', 'lmdb'])('%s: every answer is of one run, none is missing, none goes back', async (kind) => {
    const url = await placeOf(kind);
    const options = { url, folder: tempFolder(), publishes: 10, keys: 5000, leastMs: 3000, pointerMs: 50 };
    const result = await proveSwitch(options);
    const { mixed, missing, back, missingPages, badPages } = result;
    expect({ mixed, missing, back, missingPages, badPages }).toEqual({
      mixed: 0,
      missing: 0,
      back: 0,
      missingPages: 0,
      badPages: 0,
    });
    expect(result.keys).toBeGreaterThan(2_000);
    // Each of four readers has seen most of the ten runs, and the last one.
    expect(result.runs).toBeGreaterThan(16);
  });
});
