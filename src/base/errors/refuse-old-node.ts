import { PrescoreError } from './prescore-error.ts';

/** The first release of the oldest line that package.json names; `cli/main.ts` has it too, as it may import nothing. */
const [MAJOR, MINOR] = [22, 12];

/** Errors: NODE_UNSUPPORTED on a Node older than that. */
export function refuseOldNode(version = process.versions.node): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > MAJOR || (major === MAJOR && minor >= MINOR)) return;
  const expected = `Node ${MAJOR}.${MINOR} or newer`;
  throw new PrescoreError('NODE_UNSUPPORTED', { what: 'this Node is too old', expected, got: `Node ${version}` });
}
