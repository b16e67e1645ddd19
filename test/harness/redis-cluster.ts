import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePorts } from './free-ports.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

const SLOTS = 16_384;
const READY_LIMIT_MS = 20_000;
/** A node talks to the others at its port + 10,000. */
const HIGHEST_PORT = 55_535;

export interface RedisCluster {
  readonly url: string;
  readonly nodes: readonly RedisServer[];
  stop(): Promise<void>;
}

/** A real cluster of masters without replicas, on free loopback ports. */
export async function startRedisCluster(count = 3): Promise<RedisCluster> {
  const ports = (await freePorts(count * 6)).filter((port) => port <= HIGHEST_PORT).slice(0, count);
  const started = await Promise.allSettled(
    ports.map((port) =>
      startRedis({
        port,
        persistent: false,
        args: ['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf'],
      }),
    ),
  );
  const nodes = started.flatMap((node) => (node.status === 'fulfilled' ? [node.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    if (nodes.length < count) throw new Error(`only ${nodes.length} of ${count} nodes started`);
    await join(ports);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `redis+cluster://${ports.map((port) => `127.0.0.1:${port}`).join(',')}`, nodes, stop };
}

async function join(ports: readonly number[]): Promise<void> {
  const clients = ports.map((port) => new Redis({ port, host: '127.0.0.1' }));
  try {
    for (const [i, client] of clients.entries()) {
      const from = Math.floor((SLOTS * i) / ports.length);
      const to = Math.floor((SLOTS * (i + 1)) / ports.length);
      // ADDSLOTSRANGE is newer than Redis 6.2.
      await client.call('CLUSTER', 'ADDSLOTS', ...Array.from({ length: to - from }, (_, n) => from + n));
      if (i > 0) await client.call('CLUSTER', 'MEET', '127.0.0.1', ports[0]!);
    }
    const limit = Date.now() + READY_LIMIT_MS;
    for (const client of clients) {
      while (!isWhole(String(await client.call('CLUSTER', 'INFO')), ports.length)) {
        if (Date.now() > limit) throw new Error('the cluster did not come together');
        await sleep(50);
      }
    }
  } finally {
    for (const client of clients) client.disconnect();
  }
}

function isWhole(info: string, nodes: number): boolean {
  return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes}`);
}
