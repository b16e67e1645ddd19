import { expect, test } from 'vitest';
import { parseModelRef, sayModelRef } from '../../../src/base/contract/model-ref.ts';

const digest = '0123456789abcdef'.repeat(4);

test.each([
  ['delay@production', { name: 'delay', by: 'label', label: 'production' }],
  ['delay/7', { name: 'delay', by: 'version', version: 7 }],
  [`delay@sha256:${digest}`, { name: 'delay', by: 'digest', digest }],
  ['a+b.c_d-e@x-1', { name: 'a+b.c_d-e', by: 'label', label: 'x-1' }],
])('%s is a reference, and is written as it was', (text, ref) => {
  expect(parseModelRef(text)).toEqual(ref);
  expect(sayModelRef(ref as Exclude<ReturnType<typeof parseModelRef>, string>)).toBe(text);
});

test.each([
  '',
  'delay',
  '@stable',
  '../up/1',
  'delay@latest',
  'delay@Latest',
  'delay@7',
  'delay/0',
  'delay/07',
  'delay/1.2',
  'delay/1/2',
  'delay@sha256:12',
  'delay@a b',
  'delay/',
])('%s is none', (text) => {
  expect(typeof parseModelRef(text)).toBe('string');
});
