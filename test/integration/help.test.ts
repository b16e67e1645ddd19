import { describe, expect, it } from 'vitest';
import { prescore } from '../harness/cli.ts';

const help = (...words: string[]) => prescore(['help', ...words]);

describe('prescore help', () => {
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
