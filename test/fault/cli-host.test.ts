import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { prescore } from '../harness/cli.ts';
import { modelFolder } from '../harness/model-files.ts';
import { partsOf } from '../harness/read-parquet.ts';
import { expectOneLine, leftIn } from '../harness/refusal.ts';
import { giveAway, shell } from '../harness/shell.ts';
import { sumJob } from '../harness/sum-job.ts';
import { sha256Of, tempFolder } from '../harness/temp-job.ts';

/*
 * F116: the machine around the command line. A right that is missing is tried as a user who has not all of them.
 */
let models = '';
beforeAll(async () => {
  models = await modelFolder();
});

const made = (name: string): string => join(models, `${name}.onnx`);

/** Folders of one's own for everything that a process may want to write beside its output. */
function ownPlaces(folder: string): Record<string, string> {
  const places = { HOME: join(folder, 'home'), TMPDIR: join(folder, 'tmp'), XDG_CACHE_HOME: join(folder, 'cache') };
  for (const place of Object.values(places)) mkdirSync(place);
  return places;
}

describe('F116 rights', () => {
  it('an output that is read-only: exit 6, the path, nothing written', async () => {
    const folder = tempFolder();
    const job = await sumJob(folder, made('sum'));
    const env = ownPlaces(folder);
    mkdirSync(join(folder, 'out'));
    giveAway(folder);
    chmodSync(join(folder, 'out'), 0o555);
    const result = await shell(`prescore run ${job}`, { isPlainUser: true, env });
    expectOneLine(result, { exit: 6, code: 'STORE_DENIED', says: /EACCES.*at \S*\/out\/_prescore/ });
    expect(leftIn(join(folder, 'out'))).toEqual([]);
  });

  it('a folder for temporary files that is read-only: exit 6, TMPDIR is named', async () => {
    const folder = tempFolder();
    const job = await sumJob(folder, made('sum'));
    const env = ownPlaces(folder);
    giveAway(folder);
    chmodSync(join(folder, 'tmp'), 0o555);
    const result = await shell(`prescore run ${job}`, { isPlainUser: true, env });
    expectOneLine(result, { exit: 6, code: 'STORE_DENIED', says: /EACCES.*Set TMPDIR to a folder/ });
    expect(leftIn(join(folder, 'out'))).toEqual([]);
  });

  it('a read-only working folder, home and cache: the run needs none of them', async () => {
    const folder = tempFolder();
    const job = await sumJob(folder, made('sum'));
    const env = ownPlaces(folder);
    giveAway(folder);
    for (const name of ['home', 'cache']) chmodSync(join(folder, name), 0o555);
    const result = await shell(`prescore run ${job}`, { isPlainUser: true, env, cwd: join(folder, 'home') });
    expect(result.stderr).not.toMatch(/^[A-Z_]+: /m);
    expect(result.code).toBe(0);
    expect(partsOf(join(folder, 'out'))).toHaveLength(1);
  });

  it('leaves nothing in the home, the cache or the scratch folder, and no usage data', async () => {
    const folder = tempFolder();
    const env = ownPlaces(folder);
    expect((await prescore(['run', await sumJob(folder, made('sum'))], { env })).code).toBe(0);
    const left = Object.values(env).flatMap((place) => leftIn(place));
    // Node's own cache of compiled code.
    expect(left.filter((path) => !path.startsWith('/node-compile-cache/'))).toEqual([]);
  });
});

describe('F116 limits and settings', () => {
  it('64 open files are enough for 40 inputs and two scorers', async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'in'));
    for (let i = 0; i < 40; i++) copyFileSync(join(models, 'types.parquet'), join(folder, `in/${i}.parquet`));
    const changes = { input: { uri: join(folder, 'in/*.parquet') }, execution: { scorers: 2, chunkRows: 2000 } };
    const job = await sumJob(folder, made('sum'), changes);
    const { code, stdout } = await shell(`ulimit -n 64; prescore run ${job} --json`);
    expect(stdout).toContain(`"event":"done"`);
    expect(stdout).toContain(`"rows":${40 * 1037}`);
    expect(code).toBe(0);
  });

  it('the time zone and the language change no byte of the output', async () => {
    const sha256s: string[] = [];
    const zones = [
      { TZ: 'UTC', LC_ALL: 'C' },
      { TZ: 'Pacific/Chatham', LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8', LANGUAGE: 'tr' },
      { TZ: 'Nowhere/Atlantis', LC_ALL: 'xx_XX' },
    ];
    for (const env of zones) {
      const folder = tempFolder();
      const changes = { passthrough: ['text'], output: { uri: join(folder, 'out'), lineage: true } };
      const job = await sumJob(folder, made('sum'), changes);
      const { code, stderr } = await prescore(['run', job, '--as-of', '2026-03-29T01:30:00Z'], { env });
      expect(stderr).toMatch(/1,037 rows/);
      expect(code).toBe(0);
      sha256s.push(...partsOf(join(folder, 'out')).map(sha256Of));
    }
    expect(sha256s).toHaveLength(3);
    expect(new Set(sha256s).size).toBe(1);
  });
});

describe('F116 a Node that is too old', () => {
  const source = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
  const sentence =
    /^prescore needs Node 22\.12 or newer; this is Node \d+\.\d+\.\d+\. Install Node 24 .*: npx -p node@24 .*\n$/;

  it('gets one sentence and exit 2', async () => {
    const folder = tempFolder();
    const main = join(folder, 'main.mjs');
    writeFileSync(main, stripTypeScriptTypes(readFileSync(source, 'utf8')));
    const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.11.0' } })`;
    const loader = `data:text/javascript,${encodeURIComponent(pretend)}`;
    const faked = await shell(
      `"${process.execPath}" --import "${loader}" "${main}" run "my job.yaml" --redis redis://:pw@h/0`,
    );
    expect(faked).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(sentence) });
    expect(faked.stderr).toMatch(/ prescore prescore run 'my job.yaml' --redis redis:\/\/LOGIN@h\/0\n$/);
    for (const node of olderNodes()) {
      const real = await shell(`"${node}" "${main}" run job.yaml`);
      expect(real).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(sentence) });
    }
  });

  // Whatever else is called node on this machine and is older.
  function olderNodes(): string[] {
    const folders = (process.env['PATH'] ?? '').split(':').filter((folder) => folder !== '');
    const found = folders.flatMap((folder) => {
      try {
        return readdirSync(folder).includes('node') ? [join(folder, 'node')] : [];
      } catch {
        return [];
      }
    });
    return found.filter((node) => {
      const [major = 0, minor = 0] = execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' })
        .split('.')
        .map(Number);
      return major >= 14 && (major < 22 || (major === 22 && minor < 12));
    });
  }
});
