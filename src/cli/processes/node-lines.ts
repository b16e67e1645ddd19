/**
 * Whether package.json names this release of Node: `^22.12.0 || ^24.0.0 || >=26.0.0`. Lines between them ran out of security fixes; prescore
 * may work there, but no test says so.
 */
export function isNamedNode(version: string, engines: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return engines.split('||').some((range) => {
    const [, sign, from = '0', least = '0'] = /^(\^|>=)(\d+)\.(\d+)/.exec(range.trim()) ?? [];
    if (sign === undefined) return false;
    if (major === Number(from)) return minor >= Number(least);
    return sign === '>=' && major > Number(from);
  });
}
