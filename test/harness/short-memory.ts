import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { inspectModel } from '../../src/model/onnx/inspect-model.ts';
import { OnnxSession } from '../../src/model/onnx/onnx-session.ts';
import { exactLayout } from '../../src/scoring/tensor/slab-layout.ts';
import { scoreSlab } from '../../src/scoring/thread/score-slab.ts';
import { mlpBinding } from './mlp-binding.ts';

/*
 * A process that scores slabs while it may hardly take more memory than it has: `short-memory.ts MODEL BATCH ROWS ROOM`. MODEL has one
 * float feature a row; ROOM is in bytes. Prints, for two slabs of ROWS in turn, the batches and what was told.
 */
const [path, batchText, rowsText, roomText] = process.argv.slice(2) as [string, string, string, string];
const [batchRows, rows, room] = [Number(batchText), Number(rowsText), Number(roomText)];
const bytes = new Uint8Array(readFileSync(path));
const { file } = inspectModel(bytes, path, null);
const session = await OnnxSession.open(bytes, file, { intraOpThreads: 1, device: 'cpu' }, path);
const binding = mlpBinding(['x']);
const layout = exactLayout(binding, rows);
const buffer = new SharedArrayBuffer(layout.bytes);
const limit = { rows: batchRows };
const scorer = { binding, batchRows, layout, texts: [], limit, proofs: { padded: 0 }, onBatch: () => undefined };
await scoreSlab(session, scorer, buffer, [1]);

const size = Number(/^VmSize:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;
const limited = spawnSync('prlimit', ['--pid', String(process.pid), `--as=${size + room}`]);
if (limited.status !== 0) throw new Error(`prlimit: ${limited.stderr.toString()}`);
for (let slab = 0; slab < 2; slab++) {
  const { batches, halvedTo, rejects, columns } = await scoreSlab(session, scorer, buffer, [rows]);
  const scored = columns.map((c) => c.data.length);
  process.stdout.write(`${JSON.stringify({ batches, halvedTo, rejects: rejects.length, scored })}\n`);
}
process.kill(process.pid, 'SIGKILL');
