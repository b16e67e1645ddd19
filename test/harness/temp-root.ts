import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * One folder for all that a run of tests and its processes put among the system's temporary files, removed at its end: killed
 * processes leave theirs behind, and so do blocks of which no test is chosen.
 */
export default function setup(): () => void {
  const root = mkdtempSync(join(tmpdir(), 'prescore-tests-'));
  // Open to all, as the system's own is: some tests start processes of another user.
  chmodSync(root, 0o1777);
  process.env['TMPDIR'] = root;
  return () => rmSync(root, { recursive: true, force: true, maxRetries: 3, retryDelay: 200 });
}
