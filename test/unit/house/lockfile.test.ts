import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

interface Lock {
  readonly packages: Readonly<Record<string, { readonly hasInstallScript?: boolean; readonly resolved?: string }>>;
}

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8'));
const entries = Object.entries((read('package-lock.json') as Lock).packages);

it('an install script is in package-lock.json only where package.json allows it: any npm runs what it finds there', () => {
  const { allowScripts } = read('package.json') as { readonly allowScripts: Readonly<Record<string, boolean>> };
  const allowed = Object.keys(allowScripts).filter((name) => allowScripts[name]);
  const scripted = entries.filter(([, entry]) => entry.hasInstallScript === true);
  expect(scripted.map(([key]) => key.split('node_modules/').at(-1))).toEqual(allowed);
});

it('package-lock.json names no registry', () => {
  expect(entries.filter(([, entry]) => entry.resolved !== undefined)).toEqual([]);
});
