import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

const require = createRequire(import.meta.url);

// The package has its pages with it, as a checkout has.
function packageFolder(): string {
  return dirname(require.resolve('prescore/package.json'));
}

/** Topics that have a page, in order. Errors: none. */
export function docTopics(): string[] {
  const folder = join(packageFolder(), 'docs');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => name.slice(0, -'.md'.length))
    .sort();
}

/** The Markdown of a topic's page; null when there is none. */
export function readDoc(topic: string): string | null {
  return docTopics().includes(topic) ? readFileSync(join(packageFolder(), 'docs', `${topic}.md`), 'utf8') : null;
}

/** Where a file of the package lies, as seen from here; the package leaves some of a checkout out, which is said. Errors: none. */
export function placeOfFile(path: string): string {
  const place = join(packageFolder(), path);
  return existsSync(place) ? relative(process.cwd(), place) || '.' : `${path} of the sources`;
}

/** The lines below the help of all commands. */
export function sayTopics(): string {
  const lines: string[] = [];
  let line = 'Pages, printed by prescore help TOPIC (errors by their code, too):';
  for (const topic of docTopics()) {
    if (line.length + topic.length + 1 > 100) {
      lines.push(line);
      line = ' ';
    }
    line += ` ${topic}`;
  }
  return [...lines, line].join('\n');
}
