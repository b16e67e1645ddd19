import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { describe, expect, it } from 'vitest';
import { MOST_READERS, openPages } from '../../src/sets/lmdb/lmdb-env.ts';
import { commitRows, setJob } from '../harness/committed-run.ts';
import { publishHere } from '../harness/publish-here.ts';
import { tempFolder } from '../harness/temp-job.ts';

const INDEX = new URL('../../src/index.ts', import.meta.url).href;
const SCRIPT = `
const { openPredictions } = await import(process.argv[1]);
try {
  const set = await openPredictions(process.argv[2], 's');
  console.log((await set.get('k7')).values.y);
} catch (error) {
  console.log(error.code);
}
setInterval(() => undefined, 1e6);`;

class Readers {
  private readonly url: string;
  private readonly all: ChildProcess[] = [];

  constructor(url: string) {
    this.url = url;
  }

  async one(): Promise<string> {
    const args = ['--input-type=module', '-e', SCRIPT, INDEX, this.url];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.all.push(child);
    const [text] = (await once(child.stdout!, 'data')) as [Buffer];
    return text.toString().trim();
  }

  async kill(): Promise<void> {
    const ended = this.all.splice(0).map((child) => [child, once(child, 'exit')] as const);
    for (const [child, exit] of ended) {
      child.kill('SIGKILL');
      await exit;
    }
  }
}

describe('readers of an LMDB set', () => {
  it('a file has places for thousands of processes', async () => {
    const folder = tempFolder();
    const job = setJob(folder, { store: `lmdb:${join(folder, 'sets')}`, set: 's' });
    await commitRows(job, { parts: [`select 'k' || i as id, i::float as y from range(9) t(i)`] });
    await publishHere(job);
    const path = join(folder, 'sets/s/g1.lmdb');
    const file = openPages(path);
    expect((file.getStats() as { maxReaders: number }).maxReaders).toBeGreaterThanOrEqual(MOST_READERS);
    await file.close();
    expect(statSync(`${path}-lock`).size).toBeLessThan(300_000);
  });

  it('one too many is told by name, and places of killed readers come back', async () => {
    const folder = tempFolder();
    const url = `lmdb:${join(folder, 'sets')}`;
    const job = setJob(folder, { store: url, set: 's' });
    await commitRows(job, { parts: [`select 'k' || i as id, i::float as y from range(9) t(i)`] });
    await publishHere(job);
    rmSync(join(folder, 'sets/s/g1.lmdb-lock'), { force: true });
    const path = join(folder, 'sets/s/g1.lmdb');
    const few = open({
      path,
      noSubdir: true,
      readOnly: true,
      encoding: 'binary',
      keyEncoding: 'uint32',
      maxReaders: 2,
    });
    const readers = new Readers(url);
    try {
      expect([await readers.one(), await readers.one()]).toEqual(['7', '7']);
      expect(await readers.one()).toBe('PREDICTIONS_READERS');
      await readers.kill();
      expect([await readers.one(), await readers.one()]).toEqual(['7', '7']);
    } finally {
      await readers.kill();
      await few.close();
    }
  });
});
