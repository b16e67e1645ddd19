import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/program/program.ts';
import { parseServe } from '../../src/job/parse/parse-serve.ts';
import { parseStream } from '../../src/job/parse/parse-stream.ts';
import { prescore } from '../harness/cli.ts';
import { tempFolder } from '../harness/temp-job.ts';

const help = (...words: string[]) => prescore(['help', ...words]);

/** Every command with its words, such as `runs show`. */
function commandsBelow(command: Command, words: readonly string[] = []): [string, Command][] {
  return command.commands.flatMap((one): [string, Command][] => {
    const own = [...words, one.name()];
    return [[own.join(' '), one], ...commandsBelow(one, own)];
  });
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (more) => (text += more) }).outputHelp();
  return text;
}

describe('prescore help', () => {
  it('names commands in the order of their first use', () => {
    const names = buildProgram(() => undefined).commands.map((command) => command.name());
    expect(names.slice(0, 5)).toEqual(['init', 'check', 'plan', 'run', 'verify']);
  });

  it('gives examples whose commands and flags there are', () => {
    const program = buildProgram(() => undefined);
    const commands = new Map(commandsBelow(program));
    for (const name of ['init', 'run', 'lookup', 'sets', 'serve', 'stream', 'schedule', 'backfill'])
      expect(helpOf(commands.get(name)!), name).toContain('Examples:');
    let examples = 0;
    for (const [, command] of commands) {
      for (const [line] of helpOf(command).matchAll(/^ {2}prescore .*$/gm)) {
        const words = line.trim().split(/ {2,}/)[0]!.split(' ').slice(1);
        const named = commands.get(words.slice(0, 2).join(' ')) ?? commands.get(words[0]!);
        expect(named, line).toBeDefined();
        const flags = words.filter((word) => /^--\w/.test(word));
        for (const flag of flags)
          expect(
            named!.options.map((o) => o.long),
            line,
          ).toContain(flag);
        examples++;
      }
    }
    expect(examples).toBeGreaterThan(25);
  });

  it('shows the smallest serve and stream file that can be read', () => {
    const commands = new Map(commandsBelow(buildProgram(() => undefined)));
    const place = { path: 'x', baseUri: '', resolveUri: (text: string) => `/jobs/${text}` };
    const shown = (name: string): string =>
      new RegExp(`^ {2}(prescore-${name}: 1\\n( {2}.+\\n)+)`, 'm')
        .exec(helpOf(commands.get(name)!))![1]!
        .replace(/^ {2}/gm, '');
    expect(Object.keys(parseServe(shown('serve'), place).sets)).toEqual(['flight-delay']);
    expect(parseStream(shown('stream'), place).stream.key).toBe('events');
  });

  it('says where a file lies to which a page leads', async () => {
    expect((await help('quick-start')).stdout).toMatch(/containers are in \S*examples\.\n/);
    const away = await prescore(['help', 'quick-start'], { cwd: tempFolder() });
    expect(away.stdout).toMatch(/containers are in \.\.\/\S*\/examples\.\n/);
  });

  it('leaves out how a page is made, and says where its schema lies', async () => {
    const { stdout } = await help('job-file');
    expect(stdout).not.toContain('gen-docs');
    expect(stdout).toMatch(/An editor can use\s+\S*docs\/job\.schema\.json\./);
  });

  it('prints the examples of a command, too', async () => {
    expect((await help('lookup')).stdout).toContain('Examples:');
  });

  it('prints a page for the terminal, whichever way it is named', async () => {
    const page = await help('rejects');
    expect([page.code, page.stderr]).toEqual([0, '']);
    expect(page.stdout).toMatch(/^# Rejects: /);
    expect(page.stdout).toContain('`not_a_number`\n    NaN for an integer tensor\n');
    expect(page.stdout).toContain('Flags: prescore rejects --help');
    expect(page.stdout).not.toMatch(/^\|/m);
    for (const name of ['docs/rejects.md', 'rejects.md']) expect((await help(name)).stdout).toContain('# Rejects: ');
    // Links to other pages are what a reader can type.
    const runs = await help('runs');
    expect(runs.stdout).toContain('prescore help schedules');
    expect(runs.stdout).not.toContain('](');
  });

  it('says what an error means, and prints the help of a command of two words', async () => {
    const code = await help('reject_limit');
    expect([code.code, code.stdout]).toEqual([0, expect.stringMatching(/^REJECT_LIMIT: .*[\s\S]*Exit code 8\./)]);
    const command = await help('runs', 'show');
    expect([command.code, command.stdout]).toEqual([0, expect.stringContaining('Usage: prescore runs show')]);
    expect((await help('verify')).stdout).toContain('Usage: prescore verify');
  });

  it('lists its pages, and refuses others by name', async () => {
    for (const args of [['help'], ['--help']]) {
      const all = await prescore(args);
      expect([all.code, all.stdout]).toEqual([
        0,
        expect.stringMatching(/prescore help TOPIC.*[\s\S]*job-file[\s\S]*workers/),
      ]);
    }
    const unknown = await help('nothing');
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringMatching(/^USAGE: .*"?nothing"?.*job-file/s)]);
  });
});
