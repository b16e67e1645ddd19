/*
 * What `npm install` leaves undone in package-lock.json:
 *
 * - The optional platform packages that it left out because a mirror does not carry them: without their entries `npm ci`
 *   refuses the file, although they would never be installed here.
 * - `allowScripts` of package.json, which npm knows from 11.16 on. An entry that names no install script has none run by any
 *   npm, so those of denied packages are taken out.
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface LockEntry {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  hasInstallScript?: boolean;
  optionalDependencies?: Record<string, string>;
}

const path = new URL('../package-lock.json', import.meta.url);
const { allowScripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  allowScripts: Record<string, boolean>;
};
const lock = JSON.parse(readFileSync(path, 'utf8')) as { packages: Record<string, LockEntry> };
let added = 0;
for (const parent of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    const match = /(android|darwin|linux|win32|freebsd|openharmony)-(arm64|x64|arm|ia32|ppc64|s390x|riscv64)/.exec(
      name,
    );
    if (lock.packages[key] !== undefined || match === null) continue;
    const libc = /musl/.test(name) ? { libc: ['musl'] } : {};
    const dev = parent.dev === true ? { dev: true } : {};
    lock.packages[key] = { version, ...dev, optional: true, os: [match[1]!], cpu: [match[2]!], ...libc };
    added++;
  }
}
let denied = 0;
for (const [key, entry] of Object.entries(lock.packages)) {
  if (entry.hasInstallScript !== true || allowScripts[key.split('node_modules/').at(-1)!] !== false) continue;
  delete entry.hasInstallScript;
  denied++;
}
const sorted = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(path, `${JSON.stringify({ ...lock, packages: sorted }, null, 2)}\n`);
process.stdout.write(`${added} platform packages added, ${denied} install scripts denied\n`);
