import type { Signature } from '../../base/contract/signature.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { endpointProblem } from '../../job/values/endpoint.ts';
import { nearestKey } from '../../job/values/nearest-key.ts';
import { LOGIN_FIX, STORE_URL_SAYS, storeUrlProblem, withoutLogin } from '../../job/values/store-url.ts';
import { textProblem } from '../../job/values/text-rules.ts';
import type { DraftWishes } from '../../scoring/draft/draft-binding.ts';

export interface InitFlags {
  readonly out: string;
  readonly name?: string;
  readonly output?: string;
  readonly force?: boolean;
  /** Each `a,b,c`, `TENSOR=a,b,c`, `*` or a JSON list. */
  readonly features?: readonly string[];
  readonly exclude?: readonly string[];
  readonly id?: readonly string[];
  readonly key?: readonly string[];
  readonly predictions?: string;
  readonly endpoint?: string;
  readonly region?: string;
  readonly registry?: string;
}

/** Refuses flags that are wrong in themselves, before anything is opened. Errors: USAGE. */
export function checkFlags(flags: InitFlags): void {
  const refuse = (flag: string, problem: string | null, got: string): void => {
    if (problem !== null) throw new PrescoreError('USAGE', { what: `${flag} ${problem}`, got });
  };
  if (flags.name !== undefined) refuse('--name', textProblem('name', flags.name), flags.name);
  if (flags.predictions !== undefined) refuseStore(flags.predictions);
  // Not shown: it may hold a password.
  if (flags.endpoint !== undefined) refuse('--endpoint', endpointProblem(flags.endpoint), 'another text');
  if (flags.key !== undefined && flags.predictions === undefined) {
    const fix = 'Pass --predictions lmdb:FOLDER or redis://HOST:6379/0 beside it, or --id for columns that name a row.';
    throw new PrescoreError('USAGE', { what: '--key is the key of --predictions, which is not given', fix });
  }
}

function refuseStore(url: string): void {
  const problem = storeUrlProblem(url);
  if (problem === null) return;
  const got = withoutLogin(url);
  const fix = got === url ? {} : { fix: LOGIN_FIX };
  throw new PrescoreError('USAGE', { what: `--predictions ${problem}`, got, expected: STORE_URL_SAYS, ...fix });
}

/**
 * What the flags say of columns, held against the model and the table.
 *
 * Errors: USAGE for a column or tensor that is not there, with the nearest.
 */
export function readWishes(flags: InitFlags, signature: Signature, columns: readonly string[]): DraftWishes {
  const named = (flag: string, texts: readonly string[] | undefined): string[] =>
    (texts ?? []).flatMap((text) => {
      const names = splitNames(text, columns);
      for (const name of names) refuseUnknown(flag, name, 'column', columns);
      return names;
    });
  const features = new Map<string, readonly string[]>();
  for (const text of flags.features ?? []) {
    const [tensor, list] = splitTensor(text, signature);
    const names = list.trim() === '*' ? ['*'] : splitNames(list, columns);
    for (const name of names) if (name !== '*') refuseUnknown('--features', name, 'column', columns);
    features.set(tensor, [...(features.get(tensor) ?? []), ...names]);
  }
  const key = named('--key', flags.key);
  const id = named('--id', flags.id);
  return {
    features,
    exclude: new Set(named('--exclude', flags.exclude)),
    id: [...new Set([...id, ...key])],
  };
}

/** Columns of `--key`, checked by `readWishes`. */
export function keyOf(flags: InitFlags, columns: readonly string[]): string[] {
  return (flags.key ?? []).flatMap((text) => splitNames(text, columns));
}

/** `input=a,b` when the model has an input of that name; else the columns of its only input. */
function splitTensor(text: string, { inputs }: Signature): readonly [tensor: string, list: string] {
  const named = inputs.find(({ name }) => text.startsWith(`${name}=`));
  if (named !== undefined) return [named.name, text.slice(named.name.length + 1)];
  const [only, another] = inputs;
  if (only !== undefined && another === undefined) return [only.name, text];
  const names = inputs.map(({ name }) => name);
  throw new PrescoreError('USAGE', {
    what: `the model has ${inputs.length} inputs: --features must say which`,
    expected: names
      .slice(0, 8)
      .map((name) => `--features ${name}=…`)
      .join(' '),
    got: text,
  });
}

/** Names between commas, or a JSON list; a column whose name holds a comma is taken as it is. */
function splitNames(text: string, columns: readonly string[]): string[] {
  if (columns.includes(text)) return [text];
  if (text.startsWith('[')) {
    try {
      const parsed: unknown = JSON.parse(text);
      if (Array.isArray(parsed) && parsed.every((name) => typeof name === 'string')) return parsed;
    } catch {
      // A name may begin with a bracket.
    }
  }
  return text.split(',').map((name) => (columns.includes(name) ? name : name.trim()));
}

function refuseUnknown(flag: string, name: string, says: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  const near = nearestKey(name, known);
  const shown = known.slice(0, 20).join(', ') + (known.length > 20 ? `, … (${known.length})` : '');
  throw new PrescoreError('USAGE', {
    what: `${flag}: there is no ${says} ${JSON.stringify(name)}`,
    expected: shown,
    fix: near === undefined ? 'Name columns of the table, as they are written there.' : `Did you mean ${near}?`,
  });
}
