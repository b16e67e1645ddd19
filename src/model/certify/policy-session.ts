import type { ExactPolicy } from '../../base/contract/exact.ts';
import type { Signature } from '../../base/contract/signature.ts';
import type { TensorValue } from '../elements/elements.ts';
import type { ModelSession } from '../elements/model-session.ts';
import { copied, joined, padded, rowsOf } from './tensor-rows.ts';

type Feeds = ReadonlyMap<string, TensorValue>;
type Run = (feeds: Feeds) => Promise<ReadonlyMap<string, TensorValue>>;

/** Rows of a tile. */
const TILE_ROWS = 64;
const PADS: Readonly<Partial<Record<ExactPolicy, number>>> = { pad8: 8, pad16: 16 };

/** Inputs whose first axis is open: those are the rows. Errors: none. */
export function openInputs({ inputs }: Signature): ReadonlySet<string> {
  return new Set(inputs.filter(({ dims }) => dims.length > 0 && dims[0] === null).map(({ name }) => name));
}

/**
 * A session that gives its batches to the model as a policy says, and gives back the rows that it was asked for. Of a model whose batch is
 * fixed, and under `plain`, it is the session itself.
 */
export function obeying(session: ModelSession, policy: ExactPolicy): ModelSession {
  const batched = openInputs(session.signature);
  if (policy === 'plain' || batched.size === 0) return session;
  return {
    signature: session.signature,
    granted: session.granted,
    isCopying: session.isCopying,
    run: async (feeds, fetches) => new Map(await runUnder(policy, batched, feeds, (one) => session.run(one, fetches))),
    close: () => session.close(),
  };
}

/** One batch under a policy. Errors: those of `run`. Owns: `feeds` stay the caller's; what comes back is the caller's. */
export async function runUnder(
  policy: ExactPolicy,
  batched: ReadonlySet<string>,
  feeds: Feeds,
  run: Run,
): Promise<Feeds> {
  const rows = batchRows(feeds, batched);
  if (rows === null || rows === 0) return run(feeds);
  if (policy === 'tiles64') return runTiles(feeds, batched, rows, run);
  const step = PADS[policy] ?? 1;
  const size = Math.ceil(rows / step) * step;
  return size === rows
    ? run(feeds)
    : cut(await run(fed(feeds, batched, { rows, from: 0, count: rows, size })), size, rows);
}

function batchRows(feeds: Feeds, batched: ReadonlySet<string>): number | null {
  for (const [name, { dims }] of feeds) if (batched.has(name) && dims.length > 0) return dims[0]!;
  return null;
}

async function runTiles(feeds: Feeds, batched: ReadonlySet<string>, rows: number, run: Run): Promise<Feeds> {
  if (rows === TILE_ROWS) return run(feeds);
  const tiles: Feeds[] = [];
  for (let from = 0; from < rows; from += TILE_ROWS) {
    const count = Math.min(TILE_ROWS, rows - from);
    const fetched = await run(fed(feeds, batched, { rows, from, count, size: TILE_ROWS }));
    // What is fetched is good until the next call.
    const tile = cut(fetched, TILE_ROWS, count);
    tiles.push(count === rows ? tile : new Map([...tile].map(([name, value]) => [name, copied(value)])));
  }
  return tiles.length === 1 ? tiles[0]! : joined(tiles);
}

interface Part {
  /** Of the whole batch. */
  readonly rows: number;
  readonly from: number;
  readonly count: number;
  /** Rows that the model gets. */
  readonly size: number;
}

// An input that is not as long as the batch is the same for all of its rows.
function fed(feeds: Feeds, batched: ReadonlySet<string>, { rows, from, count, size }: Part): Feeds {
  const part = new Map<string, TensorValue>();
  for (const [name, value] of feeds)
    part.set(name, batched.has(name) && value.dims[0] === rows ? padded(rowsOf(value, from, count), size) : value);
  return part;
}

// Outputs that are not as long as the batch stay whole: whoever asked for them says what is wrong.
function cut(fetched: Feeds, size: number, rows: number): Feeds {
  const kept = new Map<string, TensorValue>();
  for (const [name, value] of fetched) kept.set(name, value.dims[0] === size ? rowsOf(value, 0, rows) : value);
  return kept;
}
