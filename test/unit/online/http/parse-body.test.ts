import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPrescoreError } from '../../../../src/base/errors/prescore-error.ts';
import { parseBody } from '../../../../src/online/http/parse-body.ts';

const LIMITS = { depth: 64, stringBytes: 1000 };

describe('bodies', () => {
  it('whatever JSON.stringify writes is read as JSON.parse reads it', () => {
    const names = fc.string({ maxLength: 20, unit: 'grapheme' }).filter((name) => name !== '__proto__');
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.string({ maxLength: 30, unit: 'grapheme' }),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 20 }),
        fc.dictionary(names, tie('value'), { maxKeys: 30 }),
      ),
    }));
    fc.assert(
      fc.property(value, fc.constantFrom(0, 2), (given, indent) => {
        const text = JSON.stringify(given, null, indent);
        expect(parseBody(Buffer.from(text), LIMITS)).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  it('a byte order mark before it is passed over, once', () => {
    expect(parseBody(Buffer.from('\ufeff{"a": 1}'), LIMITS)).toEqual({ a: 1 });
    expect(() => parseBody(Buffer.from('\ufeff\ufeff{}'), LIMITS)).toThrow();
    expect(() => parseBody(Buffer.from('{"a": \ufeff1}'), LIMITS)).toThrow();
  });

  it('any other text is refused with a code, never with another error', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      '\\',
      ',',
      ':',
      'a',
      '1',
      'null',
      '\\u',
      ' ',
      '\u0000',
      'é',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        const text = parts.join('');
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          expected = undefined;
        }
        try {
          const got = parseBody(Buffer.from(text), LIMITS);
          expect(got).toEqual(expected);
        } catch (error) {
          if (!isPrescoreError(error)) throw error;
          expect(error.code).toBe('HTTP_REQUEST');
          // Valid JSON is refused for a name that is there twice only.
          if (expected !== undefined) expect(error.details.what).toContain('twice');
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('a name twice is found whatever the objects before had', () => {
    const names = fc.array(fc.constantFrom('a', 'b', 'c', 'ab', '\\u0061', 'é'), { maxLength: 5 });
    fc.assert(
      fc.property(fc.array(names, { minLength: 1, maxLength: 4 }), (objects) => {
        const texts = objects.map((own) => `{${own.map((name, i) => `"${name}":${i}`).join()}}`);
        const isTwice = objects.some((own) => new Set(own.map((n) => JSON.parse(`"${n}"`))).size < own.length);
        const text = texts.reduceRight((inner, outer) => `[${outer},${inner}]`);
        if (isTwice) expect(() => parseBody(Buffer.from(text), LIMITS)).toThrow('twice');
        else expect(parseBody(Buffer.from(text), LIMITS)).toEqual(JSON.parse(text));
      }),
      { numRuns: 3000 },
    );
  });

  it('a name twice is found among few and among many names, near and far', () => {
    for (const count of [2, 11, 12, 13, 14, 100]) {
      const names = Array.from({ length: count }, (_, i) => `"n${i}":${i}`);
      expect(Object.keys(parseBody(Buffer.from(`{${names.join()}}`), LIMITS) as object)).toHaveLength(count);
      for (const twice of [0, count - 1])
        expect(() => parseBody(Buffer.from(`{${[...names, `"n${twice}":1`].join()}}`), LIMITS)).toThrow('twice');
      // The same names in another object are others.
      parseBody(Buffer.from(`[{${names.join()}},{${names.join()}}]`), LIMITS);
    }
  });
});
