import { describe, expect, test } from 'vitest';
import { compileGlob, globProblem } from '../../../../src/job/values/glob.ts';

describe('matching', () => {
  test.each([
    ['in/*.parquet', 'in/a.parquet', true],
    ['in/*.parquet', 'in/.parquet', false],
    ['in/*.parquet', 'in/a/b.parquet', false],
    ['in/*.parquet', 'in/a.parquet.tmp', false],
    ['in/?.x', 'in/a.x', true],
    ['in/?.x', 'in/😀.x', true],
    ['in/?.x', 'in/ab.x', false],
    ['in/a?b', 'in/a/b', false],
    ['in/**', 'in/a', true],
    ['in/**', 'in/a/b/c', true],
    ['in/**', 'in/', false],
    ['in/', 'in/a/b', true],
    ['in/', 'in', false],
    ['in/**/x', 'in/x', true],
    ['in/**/x', 'in/a/b/x', true],
    ['in/**/x', 'in/ax', false],
    ['in/**/x', 'in/a/x/y', false],
    ['**/x/*.p', 'a/x/b/x/c.p', true],
    ['in/**/m=*/**/*.p', 'in/a/m=1/b/c.p', true],
    ['in/**/m=*/**/*.p', 'in/m=/c.p', true],
    ['in/**/m=*/**/*.p', 'in/c.p', false],
    ['in/[abc].x', 'in/b.x', true],
    ['in/[a-c].x', 'in/b.x', true],
    ['in/[a-c].x', 'in/d.x', false],
    ['in/[!a-c].x', 'in/d.x', true],
    ['in/[!a-c]x', 'in//x', false],
    ['in/[*].x', 'in/*.x', true],
    ['in/[*].x', 'in/a.x', false],
    ['in/[]].x', 'in/].x', true],
    ['in/[a-].x', 'in/-.x', true],
    ['in/a.x', 'in/a.x', true],
    ['in/a.x', 'in/aax', false],
    ['in/a*a*a', 'in/aba', false],
    ['in/a*a*a', 'in/abaca', true],
    ['file:///d/**/*.p', 'file:///d/e/f.p', true],
  ])('%s and %s: %s', (pattern, key, expected) => {
    expect(compileGlob(pattern).matches(key)).toBe(expected);
  });
});

test.each([
  ['in/month=*/x', 'in/month='],
  ['in/', 'in/'],
  ['**/x', ''],
  ['in/a.x', 'in/a.x'],
  ['in/[ab]/x', 'in/'],
])('%s lists %j', (pattern, prefix) => expect(compileGlob(pattern).prefix).toBe(prefix));

test('a plain name is no pattern', () => {
  expect(compileGlob('in/a').isPattern).toBe(false);
  expect(compileGlob('in/a*').isPattern).toBe(true);
  // What a user names in full is taken, whatever its name.
  expect(compileGlob('in/_a.crc').matches('in/_a.crc')).toBe(true);
});

describe('C41 names that are passed over', () => {
  test.each([
    'in/_SUCCESS',
    'in/.a.x',
    'in/_tmp/a.x',
    'in/a/.hidden/a.x',
    'in/a.x.crc',
    'in/a/',
    'in/_prescore/runs/r/rejects/0.pq',
  ])('%s', (key) => {
    expect(compileGlob('in/**').matches(key)).toBe(false);
  });

  test('but not where the pattern names the folder', () => {
    expect(compileGlob('in/_tmp/*').matches('in/_tmp/a.x')).toBe(true);
    expect(compileGlob('.cache/**/*.x').matches('.cache/a/b.x')).toBe(true);
  });
});

test('C40 any other character is itself', () => {
  for (const name of ['a b', 'a+b', '%2F', 'ü', 'a$', '(a)', 'a|b', 'a\\b', 'a.b^']) {
    expect(compileGlob(`in/${name}/*`).matches(`in/${name}/x`)).toBe(true);
  }
});

test('problems are told, and a bad pattern matches nothing', () => {
  expect(globProblem('in/a**/x')).toContain('**');
  expect(globProblem('in/***')).toContain('**');
  expect(globProblem('in/[a')).toBe('has [ without ]');
  expect(globProblem('in/**/[!a]*?')).toBeNull();
  expect(compileGlob('in/a**/x').matches('in/ab/x')).toBe(false);
});

test('C73 no pattern is slow', () => {
  const started = performance.now();
  expect(compileGlob(`in/${'a*'.repeat(50)}b`).matches(`in/${'a'.repeat(5000)}`)).toBe(false);
  expect(compileGlob(`in/${'**/'.repeat(50)}b`).matches(`in/${'a/'.repeat(1000)}c`)).toBe(false);
  expect(performance.now() - started).toBeLessThan(1000);
});
