import { ERROR_CODES } from '../../base/errors/error-codes.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { renderPage } from '../output/render-page.ts';
import { docTopics, placeOfFile, readDoc } from '../wiring/doc-pages.ts';

/** What the command line knows of its commands. */
export interface CommandHelp {
  /** What prints the help of a command by its words, such as `runs show`; null when there is none. */
  readonly of: (words: readonly string[]) => (() => void) | null;
}

/** `prescore help TOPIC`: prints a page, what an error means, or the help of a command. Errors: USAGE for anything else. */
export function helpCommand(words: readonly string[], commands: CommandHelp): number {
  const [topic = ''] = words;
  const out = process.stdout;
  const page = words.length === 1 ? readDoc(topic.replace(/^docs\/|\.md$/g, '')) : null;
  const command = commands.of(words);
  if (page !== null) {
    out.write(renderPage(page, placeOfFile));
    if (command !== null && topic !== '') out.write(`\nFlags: prescore ${topic} --help\n`);
    return 0;
  }
  const code = Object.entries(ERROR_CODES).find(([name]) => name === topic.toUpperCase());
  if (words.length === 1 && code !== undefined) {
    const [name, { exit, meaning, fix, retryable }] = code;
    out.write(`${name}: ${meaning}\n${fix}\n`);
    out.write(`Exit code ${exit}.${retryable ? ' The same command may succeed later.' : ''}\n`);
    return 0;
  }
  if (command === null) throw unknownTopic(words.join(' '));
  command();
  return 0;
}

function unknownTopic(got: string): PrescoreError {
  const what = 'there is no such page, command or error code';
  return new PrescoreError('USAGE', { what, got, fix: `Pages: ${docTopics().join(', ')}. Commands: prescore --help.` });
}
