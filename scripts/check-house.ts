/* Checks src/ against scripts/house-rules.ts and prints every fault. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findFaults, type SourceFile } from './house-rules.ts';

/** All TypeScript sources below src/. */
export function readSources(): SourceFile[] {
  const src = fileURLToPath(new URL('../src', import.meta.url));
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({ path, text: readFileSync(`${src}/${path}`, 'utf8') }));
}

if (import.meta.main) {
  const files = readSources();
  const faults = findFaults(files);
  for (const fault of faults) process.stdout.write(`${fault}\n`);
  process.stdout.write(`house: ${files.length} files, ${faults.length} faults\n`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
