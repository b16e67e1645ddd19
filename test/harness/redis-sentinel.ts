import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './free-ports.ts';
import { obtainRedis } from './obtain-servers.ts';
import { answersPing } from './redis-server.ts';
import { ServerProcess } from './server-process.ts';

export interface RedisSentinel {
  readonly port: number;
  stop(): Promise<void>;
}

/** A real sentinel that watches one primary and decides alone; the server's binary is a sentinel too. */
export async function startSentinel(name: string, primaryPort: number): Promise<RedisSentinel> {
  const folder = await mkdtemp(join(tmpdir(), 'prescore-sentinel-'));
  const port = (await freePorts(1))[0]!;
  const conf = join(folder, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor ${name} 127.0.0.1 ${primaryPort} 1`,
    `sentinel down-after-milliseconds ${name} 500`,
    `sentinel failover-timeout ${name} 3000`,
  ];
  await writeFile(conf, `${lines.join('\n')}\n`);
  const file = await obtainRedis();
  const server = new ServerProcess({
    name: 'sentinel',
    file,
    args: [conf, '--sentinel'],
    isReady: () => answersPing(port),
  });
  const clean = (): Promise<void> => rm(folder, { recursive: true, force: true });
  await server.startOr(clean);
  return {
    port,
    stop: async () => {
      await server.stop();
      await clean();
    },
  };
}
