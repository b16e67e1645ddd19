import type { Dim, Signature, TensorSignature } from '../../base/contract/signature.ts';
import { type TensorValue, zeros } from '../elements/elements.ts';
import type { ModelSession } from '../elements/model-session.ts';

type Found = ReadonlyMap<string, readonly number[]>;

/** A session, and its signature as it shows. */
export interface TrueModel {
  readonly session: ModelSession;
  readonly signature: Signature;
}

/**
 * Sees to it that outputs are told as they are: converters declare one value a row for outputs of several targets, and a first axis of 1 for
 * labels that come as [1, N]. Two and three rows of zeros show it. Outputs [1, N] are handed on as [N] then. What refuses zeros, and all that is
 * declared well enough, stays as it is.
 *
 * Errors: none. Owns: the session is the answer's.
 */
export async function withTrueShapes(session: ModelSession): Promise<TrueModel> {
  const { signature: declared } = session;
  const { inputs, outputs } = declared;
  const doubtful = outputs.filter(
    (output) => output.type !== null && output.isOnRequest !== true && isDoubtful(output),
  );
  const canTry = inputs.every(
    ({ type, dims, isShapeless }) => type !== null && isShapeless !== true && hasKnownRows(dims),
  );
  if (doubtful.length === 0 || !canTry) return { session, signature: declared };
  const names = doubtful.map(({ name }) => name);
  const [two, three] = [await shapesOf(session, names, 2), await shapesOf(session, names, 3)];
  if (two === null || three === null) return { session, signature: declared };
  const found = new Map(doubtful.map((output) => [output.name, trueDims(output, two, three)]));
  const turned = new Set(names.filter((name) => isTurned(two.get(name), 2) && isTurned(three.get(name), 3)));
  const signature: Signature = {
    ...declared,
    outputs: outputs.map((output) => {
      const dims = turned.has(output.name) ? [null] : found.get(output.name);
      return dims == null ? output : { ...output, dims };
    }),
  };
  return { session: turned.size === 0 ? session : new TurnedSession(session, signature, turned), signature };
}

/** One value a row, a fixed first axis before an open one, or no shape: all else is checked against its declaration when it comes. */
function isDoubtful({ dims }: TensorSignature): boolean {
  return dims.slice(1).every((d) => d === 1) || (typeof dims[0] === 'number' && dims.includes(null));
}

// Of axes whose length a trial had to choose, it would show that length.
function hasKnownRows([first, ...tail]: readonly Dim[]): boolean {
  return first === undefined || (first === null && !tail.includes(null));
}

async function shapesOf(session: ModelSession, names: readonly string[], rows: number): Promise<Found | null> {
  const feeds = new Map<string, TensorValue>();
  for (const { name, type, dims } of session.signature.inputs) {
    if (type === null) return null;
    const shape = dims.map((d) => d ?? rows);
    const count = shape.reduce((all, d) => all * d, 1);
    feeds.set(name, { type, dims: shape, data: zeros(type, count) });
  }
  try {
    const fetched = await session.run(feeds, names);
    return new Map([...fetched].map(([name, { dims }]) => [name, dims]));
  } catch {
    return null;
  }
}

function isTurned(dims: readonly number[] | undefined, rows: number): boolean {
  return dims?.length === 2 && dims[0] === 1 && dims[1] === rows;
}

/** The shape that shows; null where it is what was declared, for all that counts, or no rows show. */
function trueDims({ name, dims }: TensorSignature, two: Found, three: Found): readonly Dim[] | null {
  const [a = [], b = []] = [two.get(name), three.get(name)];
  const isByRow = a[0] === 2 && b[0] === 3 && a.length === b.length && a.every((d, i) => i === 0 || d === b[i]);
  if (!isByRow) return null;
  const tail = a.slice(1);
  const isSingle = tail.every((d) => d === 1);
  const isWrong = isSingle ? typeof dims[0] === 'number' && dims.length > 1 : dims.slice(1).every((d) => d === 1);
  return isWrong ? [null, ...tail] : null;
}

/** A model some of whose outputs come as [1, N], and leave as [N]. */
class TurnedSession implements ModelSession {
  readonly signature: Signature;
  private readonly session: ModelSession;
  private readonly turned: ReadonlySet<string>;

  constructor(session: ModelSession, signature: Signature, turned: ReadonlySet<string>) {
    this.session = session;
    this.signature = signature;
    this.turned = turned;
  }

  get granted(): ModelSession['granted'] {
    return this.session.granted;
  }

  get isCopying(): boolean {
    return this.session.isCopying;
  }

  async run(feeds: ReadonlyMap<string, TensorValue>, fetches: readonly string[]): Promise<Map<string, TensorValue>> {
    const fetched = await this.session.run(feeds, fetches);
    for (const name of this.turned) {
      const value = fetched.get(name);
      if (value?.dims.length === 2 && value.dims[0] === 1) fetched.set(name, { ...value, dims: [value.dims[1]!] });
    }
    return fetched;
  }

  close(): Promise<void> {
    return this.session.close();
  }
}
