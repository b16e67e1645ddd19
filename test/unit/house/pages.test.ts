import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readSources } from '../../../scripts/check-house.ts';
import { WINGS } from '../../../scripts/house-plan.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = [...readdirSync(root), ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)]
  .concat(readdirSync(join(root, 'docs/decisions')).map((name) => `docs/decisions/${name}`))
  .filter((path) => path.endsWith('.md'));

/** Sources by every way to name them: `src/run/ledger/lease.ts`, `run/ledger/lease.ts`, `lease.ts`. */
const names = new Set(
  ['src', 'test', 'scripts', 'bench'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).flatMap((path) => {
      const parts = [folder, ...path.split('/')];
      return parts.map((_, k) => parts.slice(k).join('/'));
    }),
  ),
);
const sourceNames = (text: string): string[] =>
  [...text.matchAll(/(?<![\w./-])((?:[a-z][\w-]*\/)*[a-z][\w-]*\.ts)\b/g)].map((m) => m[1]!);

test('every source that a page or a comment names is there', () => {
  const comments = readSources().map(({ path, text }) => {
    const lines = text.split('\n').filter((line) => /^\s*(\*|\/\/|\/\*)/.test(line));
    return [`src/${path}`, lines.join('\n')] as const;
  });
  const named = [...pages.map((page) => [page, read(page)] as const), ...comments].flatMap(([place, text]) =>
    sourceNames(text).map((name) => [place, name] as const),
  );
  expect(named.length).toBeGreaterThan(60);
  expect(named.filter(([, name]) => !names.has(name))).toEqual([]);
});

test('every link of a page to another file leads somewhere', () => {
  const links = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map((m) => m[1]!)
      .filter((to) => !/^[a-z]+:/.test(to))
      .map((to) => [page, to] as const),
  );
  expect(links.length).toBeGreaterThan(50);
  expect(links.filter(([page, to]) => !existsSync(join(root, dirname(page), to)))).toEqual([]);
});

test('the architecture page names a file of every wing on the two paths, and no more than a dozen on the main one', () => {
  const page = read('ARCHITECTURE.md');
  const files = (text: string): string[] => [...text.matchAll(/`(src\/[\w./-]+\.ts)`/g)].map((m) => m[1]!);
  const main = /## The main path[\s\S]*?(?=\nBeside it)/.exec(page)![0];
  expect(new Set(files(main)).size).toBeLessThanOrEqual(12);
  const wings = new Set(files(page).map((file) => file.split('/')[1]));
  expect(WINGS.map(({ name }) => name).filter((name) => !wings.has(name))).toEqual(['data']);
});

test('messages name pages by the command that prints them, which a package has too', () => {
  const topics = readdirSync(join(root, 'docs')).flatMap((name) => /^(.*)\.md$/.exec(name)?.[1] ?? []);
  const strings = readSources().map(({ path, text }) => {
    const lines = text.split('\n').filter((line) => !/^\s*(\*|\/\/|\/\*)/.test(line));
    return [path, lines.join('\n')] as const;
  });
  expect(strings.filter(([, text]) => /docs\/[a-z-]+\.md/.test(text)).map(([path]) => path)).toEqual([]);
  const asked = strings.flatMap(([path, text]) =>
    [...text.matchAll(/prescore help ([a-z][a-z-]+)/g)].map((m) => [path, m[1]!] as const),
  );
  expect(asked.length).toBeGreaterThan(8);
  expect(asked.filter(([, topic]) => !topics.includes(topic))).toEqual([]);
  expect(JSON.parse(read('package.json')).files).toContain('docs/*.md');
});
