import { describe, expect, it } from 'vitest';
import { isPrescoreError, type PrescoreError } from '../../../../src/base/errors/prescore-error.ts';
import { resolveUri } from '../../../../src/data/object-store/uri.ts';
import { parseJob } from '../../../../src/job/parse/parse-job.ts';

const HEAD = 'prescore: 1\nname: a\nmodel: { uri: m.onnx }\ninput: { uri: data }\noutput: { uri: out }\n';

function faultOf(text: string): PrescoreError {
  try {
    parseJob(`${HEAD}${text}`, { path: 'job.yaml', baseUri: '/work', resolveUri });
  } catch (error) {
    if (isPrescoreError(error)) return error;
    throw error;
  }
  throw new TypeError('it was taken');
}

describe('questions of a draft', () => {
  it('refuse the file with what stands on their line, behind a value or above a list', () => {
    const fault = faultOf('features:\n  x:\n    columns?: [a, b] # question: are they its columns?\n');
    expect([fault.code, fault.exitCode]).toEqual(['SPEC_DRAFT', 2]);
    expect(fault.message).toContain('features.x.columns: is an open question: are they its columns?');
    expect(fault.message).toContain('job.yaml:8:5');
    // One problem is told once: there is no list below the line.
    expect(fault.details.detail).toBeUndefined();
    const block = faultOf(
      'features:\n  x:\n    columns?: # question: which?\n      - a # guess: the target\n      - b\n',
    );
    expect(block.message).toContain('an open question: which?');
  });

  it('all are told, and whatever else is wrong as well', () => {
    const two = faultOf('features:\n  x: { columns?: [a] }\n  s: { value?: 0 }\n');
    expect([two.code, two.details.data?.['issues']]).toEqual([
      'SPEC_DRAFT',
      expect.toSatisfy((i: unknown[]) => i.length === 2),
    ]);
    const mixed = faultOf('features: { x: { columns?: [] } }\nidd: [a]\n');
    expect([mixed.code, mixed.details.data?.['issues']]).toEqual([
      'SPEC_INVALID',
      expect.toSatisfy((i: unknown[]) => i.length === 3),
    ]);
  });

  it('a key that is not known is none, with or without the sign', () => {
    expect(faultOf('feature?: { x: [a] }\n').code).toBe('SPEC_INVALID');
    expect(faultOf('"?": 1\n').code).toBe('SPEC_INVALID');
  });

  it('without its question mark the file is taken', () => {
    const job = parseJob(`${HEAD}features:\n  x:\n    columns: [a, b] # question: are they its columns?\n`, {
      path: 'job.yaml',
      baseUri: '/work',
      resolveUri,
    });
    expect(job.features?.['x']).toEqual({ kind: 'columns', columns: ['a', 'b'], nulls: null });
  });

  it('names of tensors may end in the sign', () => {
    const job = parseJob(`${HEAD}features: { "ok?": a }\n`, { path: 'job.yaml', baseUri: '/work', resolveUri });
    expect(Object.keys(job.features ?? {})).toEqual(['ok?']);
  });
});
