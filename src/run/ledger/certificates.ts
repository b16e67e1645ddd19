import type { Certificate } from '../../base/contract/exact.ts';
import { certificateFile, readCertificateFile } from '../../model/certify/certificate.ts';
import type { RecordStore } from './record-store.ts';

const FOLDER = 'certificates';

/** Where the certificate with this name lies, from the state's folder. */
export function certificatePath(name: string): string {
  return `${FOLDER}/${name}.json`;
}

/** The certificate that is kept under a name; null when there is none that can be read. Errors: none: without it, the model is tried again. */
export async function readCertificate(records: RecordStore, name: string): Promise<Certificate | null> {
  try {
    const found = await records.read<object>(certificatePath(name));
    return found === null ? null : readCertificateFile(found);
  } catch {
    return null;
  }
}

/** Keeps a certificate; the newest one counts. Errors: none: without it, the model is tried again. */
export async function keepCertificate(records: RecordStore, name: string, certificate: Certificate): Promise<void> {
  await records.replace(certificatePath(name), certificateFile(certificate)).catch(() => undefined);
}
