import { expect, it } from 'vitest';
import type { CertificateSubject } from '../../../../src/model/certify/certificate.ts';
import {
  certificateFile,
  certificateOf,
  readCertificateFile,
  subjectOf,
} from '../../../../src/model/certify/certificate.ts';
import { untriedFinding } from '../../../../src/model/certify/certify-model.ts';

const versions = { prescore: '0.1.0', onnxruntime: '1.30.0', duckdb: '2.0.0', node: '24.0.0' };
const subject: CertificateSubject = subjectOf('ab'.repeat(32), versions, 1);
const finding = { ...untriedFinding(), policy: 'pad8', why: null, answers: 'cd'.repeat(32) } as const;
const facts = {
  depth: 'quick',
  engine: 'onnxruntime',
  mostRows: 64,
  processes: 1,
  graph: [],
  createdAt: 'now',
} as const;

it('is read as it was written, and is none where its policy is not known, is not whole, or says of no batches', () => {
  const certificate = certificateOf(subject, finding, facts);
  const file = JSON.parse(JSON.stringify(certificateFile(certificate))) as Record<string, unknown>;
  expect(readCertificateFile(file)).toEqual(certificate);
  for (const change of [
    { policy: 'pad999' },
    { policy: 8 },
    { answers: undefined },
    { mostRows: '64' },
    { mostRows: undefined },
    { format: 2 },
    { trials: {} },
    { sizes: null },
  ])
    expect([change, readCertificateFile({ ...file, ...change })]).toEqual([change, null]);
});
