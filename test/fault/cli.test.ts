import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CliRun, prescore, startPrescore } from '../harness/cli.ts';
import { modelFolder } from '../harness/model-files.ts';
import { isAlive, watchChildren } from '../harness/processes.ts';
import { expectOneLine, expectRefusal, leftIn, type Refusal } from '../harness/refusal.ts';
import { giveAway, shell } from '../harness/shell.ts';
import { sumJob } from '../harness/sum-job.ts';
import { tempFolder } from '../harness/temp-job.ts';

let models = '';
beforeAll(async () => {
  models = await modelFolder();
});

const made = (name: string): string => join(models, `${name}.onnx`);
const usage = (says: RegExp): Refusal => ({ exit: 2, code: 'USAGE', says });

describe('F114 command lines that are wrong', () => {
  it.each<[string, string[], RegExp]>([
    ['an unknown flag, with the nearest one', ['run', 'job', '--jsno'], /'--jsno' \(Did you mean --json\?\)/],
    ['an unknown command', ['rnu'], /'rnu' \(Did you mean run\?\)/],
    ['a number that is none', ['run', 'job', '--sample=abc'], /'abc' is invalid\. Give a whole number from 1/],
    ['a time that is none', ['run', 'job', '--as-of=2026-02-30'], /is invalid\. Give a date/],
    ['a missing value', ['run', 'job', '--partition'], /argument missing/],
    ['a missing argument', ['run'], /missing required argument 'job'/],
    ['an argument too many', ['run', 'a', 'b'], /Expected 1 argument but got 2/],
    ['flags that exclude each other', ['run', 'job', '--new-run', '--if-changed'], /exclude each other/],
    ['a job and a state', ['runs', 'list', 'job', '--state', 's'], /one of the two/],
    ['neither', ['runs', 'list'], /one of the two/],
    ['a run id that is a path', ['runs', 'show', 'job', '../../etc'], /not a run id/],
  ])('%s', async (_what, args, says) => {
    await expectRefusal(args, usage(says));
  });

  it('with --json the same as an object on stdout', async () => {
    const { events } = await expectRefusal(['run', 'job', '--jsno', '--json'], usage(/--jsno/));
    expect(events).toMatchObject([{ event: 'failed', error: { code: 'USAGE', fix: 'Run the command with --help.' } }]);
  });

  it('a job file that is not there, a folder, a model, one without right to read', async () => {
    const folder = tempFolder();
    await expectRefusal(['run', join(folder, 'none.yaml')], { exit: 2, code: 'SPEC_NOT_FOUND', says: /ENOENT/ });
    await expectRefusal(['run', folder], { exit: 2, code: 'SPEC_NOT_FOUND', says: /a folder, not a job file/ });
    await expectRefusal(['run', made('sum')], { exit: 2, code: 'SPEC_INVALID', says: /must be a map/, isTable: true });
    writeFileSync(join(folder, 'job.yaml'), 'prescore: 1', { mode: 0 });
    giveAway(folder);
    const denied = await shell(`prescore run ${folder}/job.yaml`, { isPlainUser: true });
    expectOneLine(denied, { exit: 2, code: 'SPEC_NOT_FOUND', says: /EACCES/ });
  });

  it('- is standard input, relative to the folder one is in; an empty one is an error', async () => {
    const folder = tempFolder();
    const path = await sumJob(folder, made('sum'), { output: { uri: 'out' } });
    const input = readFileSync(path, 'utf8');
    const { code, stdout } = await shell('prescore run - --json', { cwd: folder, input });
    expect(stdout).toContain('"event":"done"');
    expect(code).toBe(0);
    expect(leftIn(join(folder, 'out'))).toContain('/_SUCCESS');
    const empty = await shell('prescore run -', { cwd: folder });
    expect(empty.stderr).toMatch(/^SPEC_SYNTAX: .*empty/);
    expect(empty.code).toBe(2);
  });
});

describe('F114 outputs that are closed or no terminal', () => {
  it('a reader that goes away (EPIPE): the run goes on to its commit', async () => {
    const folder = tempFolder();
    const job = await sumJob(folder, made('sum'));
    const line = `prescore run ${job} --json 2>${folder}/err | head -1 >${folder}/head; echo "\${PIPESTATUS[0]}"`;
    const { stdout } = await shell(line);
    expect(stdout).toBe('0\n');
    expect(readFileSync(join(folder, 'err'), 'utf8')).toBe('');
    expect(readFileSync(join(folder, 'head'), 'utf8')).toMatch(/^\{"event":"planned".*\}\n$/);
    expect(leftIn(join(folder, 'out'))).toContain('/_SUCCESS');
    const both = await shell(`prescore run ${job} --new-run 2>&1 >/dev/null | true; echo "\${PIPESTATUS[0]}"`);
    expect(both).toEqual({ code: 0, stdout: '0\n', stderr: '' });
  });

  it('a full disk behind stdout: exit 6; a closed stdout or stderr: no matter', async () => {
    const full = await shell('prescore --help >/dev/full');
    expect(full).toEqual({ code: 6, stdout: '', stderr: expect.stringMatching(/^STORE_NO_SPACE: .*ENOSPC/) });
    expect((await shell('prescore --help >&-')).code).toBe(0);
    expect((await shell('prescore --nope 2>&-')).code).toBe(2);
  });

  it('without a terminal: plain lines; with one: a line that is rewritten and cleared', async () => {
    const folder = tempFolder();
    const job = await sumJob(folder, made('sum'));
    const plain = await prescore(['run', job]);
    expect(plain.stderr).toMatch(/^run \S+: 1 file, 1 chunk, 1,037 rows\n(\d.* rows, .*\n)*$/);
    const pty = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';
    const script = `prescore run ${job} --new-run`;
    const terminal = await shell(`export -f prescore; python3 -c '${pty}' bash -c '${script}' </dev/null`);
    expect(terminal.code).toBe(0);
    const shown = terminal.stdout.replace(/\x1b\[K/g, '<clear>');
    expect(shown).toMatch(/\r<clear>\d+ % .* of 1,037 rows, .*\r<clear>/);
    expect(shown).toContain('output   ');
    // Of so few rows nothing can be said.
    expect(shown).not.toContain('limited by: ');
  });
});

describe('F114 signals', () => {
  const scratchIn = (folder: string): string[] =>
    readdirSync(join(folder, 'tmp')).filter((name) => name !== 'node-compile-cache');

  /** A run of three chunks of about a second each, ten batches of a tenth, once it has begun to score: what a load tries out is short. */
  async function startSlow(folder: string): Promise<CliRun> {
    const scratch = join(folder, 'tmp');
    mkdirSync(scratch);
    const execution = { scorers: 1, chunkRows: 400, batchRows: 40 };
    const job = await sumJob(folder, made('slowish'), { execution });
    const run = startPrescore(['run', job], { env: { TMPDIR: scratch } });
    await new Promise<void>((resolve) => run.child.stderr!.once('data', () => resolve()));
    await sleep(200);
    return run;
  }

  it('Ctrl-C once: chunks in work are finished, exit 130, and the same command resumes', async () => {
    const folder = tempFolder();
    const { child, result } = await startSlow(folder);
    child.kill('SIGINT');
    const { code, stderr } = await result;
    expect(code).toBe(130);
    expect(stderr).toMatch(/^Stopping: the chunks in work are finished first\. Once more to stop at once\.$/m);
    expect(stderr).toMatch(/^INTERRUPTED: .*\. Start the same command again; finished chunks are kept\.$/m);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(scratchIn(folder)).toEqual([]);
    expect(leftIn(join(folder, 'out')).filter((path) => !path.startsWith('/_prescore/runs/'))).not.toContain(
      '/_SUCCESS',
    );
    const again = await prescore(['run', join(folder, 'job.yaml'), '--json']);
    expect(again.code).toBe(0);
    expect(again.events[0]).toMatchObject({ event: 'planned', isResumed: true, chunks: 3 });
    expect(again.events[0]!['chunksDone']).toBeGreaterThanOrEqual(1);
    expect(again.events.at(-1)).toMatchObject({ event: 'done', rows: 1037 });
  });

  it('Ctrl-C twice: exit 130 at once, no scorer and no scratch is left', async () => {
    const folder = tempFolder();
    const { child, result } = await startSlow(folder);
    const scorers = watchChildren(child.pid!);
    await sleep(100);
    child.kill('SIGINT');
    await sleep(100);
    const started = performance.now();
    child.kill('SIGINT');
    const { code, stderr } = await result;
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(code).toBe(130);
    expect(stderr).toMatch(/^Stopped at once\. Start the same command again to resume\.$/m);
    expect(stderr).not.toMatch(/^\s+at |SCORER_CRASHED/m);
    await sleep(300);
    expect(scorers().filter(isAlive)).toEqual([]);
    expect(scratchIn(folder)).toEqual([]);
  });

  it('Ctrl-C while a model loads in check: exit 130, no scorer and no scratch is left', async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'tmp'));
    const job = await sumJob(folder, made('slow_load'));
    const { child, result } = startPrescore(['check', job], { env: { TMPDIR: join(folder, 'tmp') } });
    const scorers = watchChildren(child.pid!);
    while (scratchIn(folder).length === 0) await sleep(50);
    await sleep(300);
    child.kill('SIGINT');
    const { code, stderr } = await result;
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
    await sleep(300);
    expect(scorers().filter(isAlive)).toEqual([]);
    expect(scratchIn(folder)).toEqual([]);
  });

  it('SIGTERM: the same with 143', async () => {
    const { child, result } = await startSlow(tempFolder());
    child.kill('SIGTERM');
    const { code, stderr } = await result;
    expect(code).toBe(143);
    expect(stderr).toMatch(/^INTERRUPTED: /m);
  });
});
