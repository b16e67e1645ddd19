import { createHash } from 'node:crypto';
import type { Certificate, ExactFinding, GraphFinding } from '../../base/contract/exact.ts';
import { instructionSet } from './instruction-set.ts';

/** What a certificate is of: another one of these, another certificate. */
export type CertificateSubject = Pick<Certificate, 'modelSha256' | 'runtime' | 'host' | 'threads'>;

/** The subject for a model that is loaded on this machine. Errors: none. */
export function subjectOf(
  modelSha256: string,
  { prescore, onnxruntime }: Certificate['runtime'],
  threads: number,
): CertificateSubject {
  return { modelSha256, runtime: { prescore, onnxruntime }, host: instructionSet(), threads };
}

export interface CertificateFacts {
  readonly mostRows: number;
  readonly depth: Certificate['depth'];
  readonly engine: Certificate['engine'];
  readonly processes: number;
  readonly graph: readonly GraphFinding[];
  readonly createdAt: string;
}

/** The certificate of a finding. Errors: none. */
export function certificateOf(
  subject: CertificateSubject,
  finding: ExactFinding,
  facts: CertificateFacts,
): Certificate {
  return { format: 1, ...facts, ...subject, provider: 'cpu', ...finding };
}

/** Whether a certificate is of this subject, and says something of batches of up to so many rows. */
export function isOf(certificate: Certificate, subject: CertificateSubject, rows: number): boolean {
  const names = Object.keys(subject) as (keyof CertificateSubject)[];
  if (names.some((name) => JSON.stringify(certificate[name]) !== JSON.stringify(subject[name]))) return false;
  // What differs in small batches differs; what held may fail in larger ones.
  return certificate.policy === null || certificate.mostRows >= rows;
}

/** The name under which a subject's certificate is kept: the model's digest, and one of the rest. */
export function nameOf(subject: CertificateSubject): string {
  const { modelSha256, runtime, host, threads } = subject;
  const rest = JSON.stringify([runtime.prescore, runtime.onnxruntime, host, threads]);
  return `${modelSha256.slice(0, 16)}-${createHash('sha256').update(rest).digest('hex').slice(0, 16)}`;
}
