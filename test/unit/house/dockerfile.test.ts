import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (name: string): string => readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8');

/** A script and those that it imports. */
function withImports(name: string): string[] {
  const imported = [...read(`scripts/${name}`).matchAll(/^(?:import|export) .*from '\.\/(.+)';$/gm)].map(
    ([, file]) => file!,
  );
  return [name, ...imported.flatMap(withImports)];
}

it('the image is built with the scripts that its build imports', () => {
  const needed = withImports('build.ts');
  expect(needed.length).toBeGreaterThan(1);
  const copied = /^COPY (.+) scripts\/$/m.exec(read('Dockerfile'))?.[1]?.split(' ');
  expect(copied).toEqual(needed.map((name) => `scripts/${name}`));
  expect(read('.dockerignore').split('\n')).toEqual(expect.arrayContaining(needed.map((name) => `!scripts/${name}`)));
});
