import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { sayBytes, sayMany } from '../../base/telemetry/progress-line.ts';
import { pinnedSource } from '../../data/object-store/pinned-source.ts';
import { resolveUri } from '../../data/object-store/uri.ts';
import { readParquetFooter } from '../../data/parquet/parquet-footer.ts';
import { readOutputManifest, verifyOutput } from '../../run/ledger/verify-output.ts';
import { loadJob } from '../load/load-job.ts';
import { printTable } from '../output/print-table.ts';
import { createStoreResolver } from '../wiring/open-store.ts';

/** `prescore verify OUTPUT`: exit code 0, or 4 when anything differs from the manifest. */
export async function verifyCommand(
  output: string,
  flags: { readonly job?: string; readonly json?: boolean },
): Promise<number> {
  const stores = createStoreResolver(flags.job === undefined ? {} : loadJob(flags.job).stores, { env: process.env });
  try {
    const uri = resolveUri(output, process.cwd()).replace(/\/+$/, '');
    const manifest = await readOutputManifest(uri, stores);
    const differences = await verifyOutput(manifest, uri, stores, async (part, size, etag) => {
      const footer = await readParquetFooter(pinnedSource(stores.at(part), size, etag), part);
      return footer.rows;
    });
    const bytes = manifest.parts.reduce((sum, p) => sum + p.size, 0);
    if (flags.json === true) {
      process.stdout.write(
        `${JSON.stringify({ event: 'verified', ok: differences.length === 0, runId: manifest.runId, n: manifest.n, rows: manifest.rows, parts: manifest.parts.length, bytes, differences })}\n`,
      );
    } else if (differences.length > 0) {
      printTable(
        ['part', 'difference', 'expected', 'got'],
        differences.map((d) => [d.part, d.what, d.expected, d.got]),
        process.stdout,
      );
    }
    if (differences.length > 0)
      throw new PrescoreError('VERIFY_FAILED', {
        what: `${sayMany(differences.length, 'difference')} from manifest ${manifest.n}`,
        where: uri,
      });
    if (flags.json !== true)
      process.stdout.write(
        `ok: run ${manifest.runId}, manifest ${manifest.n}, ${sayMany(manifest.parts.length, 'part')}, ${sayMany(manifest.rows, 'row')}, ${sayBytes(bytes)}, every sha256 as recorded\n`,
      );
    return 0;
  } finally {
    await stores.close();
  }
}
