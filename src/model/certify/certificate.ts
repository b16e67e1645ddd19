import { createHash } from 'node:crypto';
import { type Certificate, EXACT_POLICIES, type ExactFinding, type GraphFinding } from '../../base/contract/exact.ts';
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

/** A certificate as it is written: what is null is left out. Errors: none. */
export function certificateFile({ policy, why, counterexample, trials, ...rest }: Certificate): object {
  return {
    ...rest,
    ...(policy === null ? {} : { policy }),
    ...(why === null ? {} : { why }),
    trials: trials.map(({ failedAt, ...trial }) => (failedAt === null ? trial : { ...trial, failedAt })),
    ...(counterexample === null ? {} : { counterexample }),
  };
}

/** The certificate in what was read; null where it is none of a format that is known. Errors: none. */
export function readCertificateFile(value: object): Certificate | null {
  const found = value as Partial<Certificate>;
  if (found.format !== 1 || !Array.isArray(found.sizes) || !Array.isArray(found.trials)) return null;
  const { policy = null, why = null, counterexample = null } = found;
  // A policy that is not known here cannot be obeyed: the model is tried again.
  const isKnown = policy === null || (EXACT_POLICIES.includes(policy) && typeof found.answers === 'string');
  if (!isKnown || !Number.isInteger(found.mostRows)) return null;
  const trials = found.trials.map((trial) => ({ ...trial, failedAt: trial.failedAt ?? null }));
  return { ...(found as Certificate), policy, why, counterexample, trials };
}

/** The name under which a subject's certificate is kept: the model's digest, and one of the rest. */
export function nameOf(subject: CertificateSubject): string {
  const { modelSha256, runtime, host, threads } = subject;
  const rest = JSON.stringify([runtime.prescore, runtime.onnxruntime, host, threads]);
  return `${modelSha256.slice(0, 16)}-${createHash('sha256').update(rest).digest('hex').slice(0, 16)}`;
}
