/*
 * The limit: how fast two processes can run the model at all, with nothing around it. This process scores one half, a child
 * the other, so that there are two processes and not three. Start, imports and session load count; see limit-child.ts.
 * Arguments: MODEL ROWS_FOLDER ROWS. Prints {"rows", "mean"}.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { scoreShare } from './limit-child.ts';

const [model, folder, rowsText] = process.argv.slice(2) as [string, string, string];
const rows = Number(rowsText);
// Halves of whole batches: only one process has a batch that is not full.
const half = Math.min(rows, Math.ceil(rows / 8192) * 4096);
const child = fileURLToPath(new URL('./limit-child.ts', import.meta.url));
const other = promisify(execFile)(process.execPath, [child, model, folder, String(rows - half)]);
const mine = await scoreShare(model, folder, half);
const theirs = JSON.parse((await other).stdout) as { rows: number; mean: number };
process.stdout.write(`${JSON.stringify({ rows: mine.rows + theirs.rows, mean: (mine.mean + theirs.mean) / 2 })}\n`);
