import { type PartitionState, STATE_CHARS } from './backfill-record.ts';

const ROW = 50;
const GROUP = 10;
const MOST_ROWS = 40;
/** Of several partitions under one character the first of these is shown. */
const LOUDEST: readonly PartitionState[] = ['failed', 'running', 'missing', 'stale', 'done'];
const COLOURS: Readonly<Record<PartitionState, string>> = {
  missing: '\x1b[90m',
  running: '\x1b[36m',
  failed: '\x1b[31m',
  done: '\x1b[32m',
  stale: '\x1b[33m',
};

/**
 * Partitions as a map, one character each in rows of 50; of more than 2,000 several share a character, which shows what most
 * needs a look. Pure.
 */
export function partitionMap(
  partitions: readonly string[],
  states: readonly PartitionState[],
  isColoured: boolean,
): string {
  const each = Math.max(1, Math.ceil(partitions.length / (ROW * MOST_ROWS)));
  const paint = (state: PartitionState): string =>
    isColoured ? `${COLOURS[state]}${STATE_CHARS[state]}\x1b[0m` : STATE_CHARS[state];
  const width = partitions.reduce((most, p, i) => (i % (ROW * each) === 0 ? Math.max(most, p.length) : most), 0);
  const lines: string[] = [];
  for (let row = 0; row < partitions.length; row += ROW * each) {
    let line = `${partitions[row]!.padEnd(width)} `;
    for (let column = 0; column < ROW && row + column * each < partitions.length; column++) {
      const from = row + column * each;
      const inside = new Set(states.slice(from, from + each));
      line += `${column % GROUP === 0 ? ' ' : ''}${paint(LOUDEST.find((state) => inside.has(state)) ?? 'missing')}`;
    }
    lines.push(line);
  }
  const legend = (['done', 'running', 'failed', 'stale', 'missing'] as const)
    .map((s) => `${paint(s)} ${s}`)
    .join('   ');
  const scale = each > 1 ? `   (one character is ${each} partitions)` : '';
  return `${lines.join('\n')}\n${legend}${scale}\n`;
}
