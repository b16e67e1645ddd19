import { spawn } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { cliEntry } from '../harness/built-cli.ts';
import { freePorts } from '../harness/free-ports.ts';
import { startRedis } from '../harness/redis-server.ts';
import { fixtures, tempFolder } from '../harness/temp-job.ts';

const page = readFileSync(fileURLToPath(new URL('../../docs/quick-start.md', import.meta.url)), 'utf8');

interface Step {
  readonly command: string;
  /** What the page says it prints; `…` stands for any lines, or the rest of one. */
  readonly shown: readonly string[];
}

/** The commands of the page's `console` blocks in order; a line of a here-document belongs to its command. */
function stepsOf(text: string): Step[] {
  const steps: { command: string; shown: string[] }[] = [];
  for (const [, block] of text.matchAll(/```console\n([\s\S]*?)```/g)) {
    let isHere = false;
    for (const line of block!.trimEnd().split('\n')) {
      const last = steps.at(-1);
      if (isHere && last !== undefined) {
        last.command += `\n${line}`;
        isHere = line !== 'END';
      } else if (line.startsWith('$ ')) {
        steps.push({ command: line.slice(2), shown: [] });
        isHere = line.includes("<<'END'");
      } else last?.shown.push(line);
    }
  }
  return steps;
}

/** What differs from run to run, and the last digits of numbers, which differ from processor to processor. */
const settled = (line: string): string =>
  line
    .replace(/\d+(\.\d+)? (us|ms|s)\b/g, '<time>')
    .replace(/\b[\d.]+ k?B\b/g, '<size>')
    .replace(/(\d\.\d{5})\d+/g, '$1')
    .replace(/ +/g, ' ')
    .replace(/-+/g, '-')
    .trim();

function compare({ command, shown }: Step, printed: readonly string[]): void {
  let at = 0;
  let isLeftOut = false;
  for (const line of shown) {
    if (line === '…') {
      isLeftOut = true;
      continue;
    }
    const isStart = line.endsWith('…');
    const wanted = settled(isStart ? line.slice(0, -1) : line);
    const fits = (text: string): boolean => (isStart ? settled(text).startsWith(wanted) : settled(text) === wanted);
    if (isLeftOut) while (at < printed.length && !fits(printed[at]!)) at++;
    isLeftOut = false;
    expect(
      fits(printed[at] ?? ''),
      `$ ${command}\npage:    ${line}\nprinted: ${printed.slice(at, at + 3).join('\n')}`,
    ).toBe(true);
    at++;
  }
}

test('the quick start: ten commands print what the page shows', { timeout: 120_000 }, async () => {
  const folder = tempFolder();
  const contact = join(fixtures, 'first-contact');
  cpSync(join(contact, 'models/lightgbm.onnx'), join(folder, 'churn.onnx'));
  cpSync(join(contact, 'tables/pandas.parquet'), join(folder, 'customers.parquet'));
  const [port] = await freePorts(1);
  const redis = await startRedis();
  const redisPort = new URL(redis.url).port;
  const here = (text: string): string => text.replaceAll('6379', redisPort).replaceAll('8080', String(port));
  const steps = stepsOf(page).filter(({ command }) => command !== 'npm install prescore');
  expect(steps).toHaveLength(13);
  // One shell, as a reader has: what is started in the background goes on.
  const shell = spawn('bash', ['--norc'], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
  let out = '';
  shell.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  const run = async (command: string): Promise<string[]> => {
    out = '';
    shell.stdin.write(`{ ${command}\n} 2>/dev/null\necho "<done>"\n`);
    for (const since = performance.now(); !out.includes('<done>'); await sleep(20))
      if (performance.now() - since > 60_000) throw new TypeError(`no end of ${command}: ${out}`);
    return out
      .slice(0, out.indexOf('<done>'))
      .trimEnd()
      .split('\n')
      .filter((line, i) => i > 0 || line !== '');
  };
  try {
    await run(`npx() { shift; "${process.execPath}" "${cliEntry}" "$@"; }`);
    for (const step of steps) {
      const command = here(step.command);
      if (command.startsWith('curl'))
        await run(`until curl -s localhost:${port}/health/ready >/dev/null; do sleep 0.1; done`);
      compare({ command, shown: step.shown.map(here) }, await run(command));
    }
  } finally {
    await run('kill %1; wait').catch(() => undefined);
    shell.kill();
    await redis.stop();
  }
});
