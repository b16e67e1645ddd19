import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { type Authenticator, type Caller, SCOPES, type Scope } from './access.ts';

const CHECK_MS = 2_000;
const LONGEST_KEY = 512;

interface ApiKey {
  readonly hash: Buffer;
  /** ms since 1970; Infinity without an expiry. */
  readonly untilMs: number;
  readonly caller: Caller;
}

/**
 * Keys from a file that holds only their SHA-256: `{"keys": [{"id", "sha256", "scopes", "expires"?, "sets"?, "models"?}]}`. Read
 * again when it changes; a file that cannot be read then is reported, and the keys stay as they were.
 */
export class ApiKeys implements Authenticator {
  private keys: readonly ApiKey[] = [];
  private version = '';
  private readonly path: string;
  private readonly timer: NodeJS.Timeout;

  private constructor(path: string, warn: (text: string) => void) {
    this.path = path;
    this.timer = setInterval(() => {
      this.refresh().catch((error: unknown) => warn(`the keys stay as they were: ${String(error)}`));
    }, CHECK_MS).unref();
  }

  /** Errors: KEYS_FILE. Owns: the caller closes it. */
  static async open(path: string, warn: (text: string) => void): Promise<ApiKeys> {
    const keys = new ApiKeys(path, warn);
    try {
      await keys.refresh();
      return keys;
    } catch (error) {
      keys.close();
      throw error;
    }
  }

  callerOf(authorization: string | undefined): Caller | null {
    const given = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? '')?.[1];
    if (given === undefined || given.length > LONGEST_KEY) return null;
    const hash = createHash('sha256').update(given).digest();
    let found: ApiKey | null = null;
    // All of them, each in constant time: how long it takes says nothing about which one it is, or how close.
    for (const key of this.keys) if (timingSafeEqual(key.hash, hash)) found = key;
    return found !== null && found.untilMs > Date.now() ? found.caller : null;
  }

  close(): void {
    clearInterval(this.timer);
  }

  /** Reads the file if it is another one than last time. Errors: KEYS_FILE. */
  async refresh(): Promise<void> {
    try {
      const { mtimeMs, size, ino } = await stat(this.path);
      const version = `${mtimeMs} ${size} ${ino}`;
      if (version === this.version) return;
      this.keys = parseKeys(await readFile(this.path, 'utf8'), this.path);
      this.version = version;
    } catch (error) {
      if (error instanceof PrescoreError) throw error;
      const what = `it cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`;
      throw new PrescoreError('KEYS_FILE', { what, where: this.path });
    }
  }
}

/** Errors: KEYS_FILE with the entry that is wrong; never with what stands in it. */
export function parseKeys(text: string, where: string): readonly ApiKey[] {
  let file: unknown;
  try {
    // Editors of Windows write a byte order mark first.
    file = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    throw new PrescoreError('KEYS_FILE', { what: 'it is not JSON', where });
  }
  const list = (file as { readonly keys?: unknown } | null)?.keys;
  if (!Array.isArray(list) || list.length === 0)
    throw new PrescoreError('KEYS_FILE', {
      what: 'it has no keys',
      where,
      expected: '{"keys": [{"id", "sha256", "scopes"}]}',
    });
  const ids = new Set<string>();
  return list.map((entry: unknown, i) => {
    const key = parseKey(entry, `${where} keys[${i}]`);
    if (ids.has(key.caller.id))
      throw new PrescoreError('KEYS_FILE', { what: 'an id is there twice', where, got: key.caller.id });
    ids.add(key.caller.id);
    return key;
  });
}

const MEMBERS = ['id', 'sha256', 'scopes', 'expires', 'sets', 'models'];

function parseKey(entry: unknown, where: string): ApiKey {
  const wrong = (what: string): PrescoreError => new PrescoreError('KEYS_FILE', { what, where });
  if (typeof entry !== 'object' || entry === null) throw wrong('an entry is not an object');
  for (const name of Object.keys(entry))
    if (!MEMBERS.includes(name)) throw wrong(`the name ${JSON.stringify(name)} is not known`);
  const { id, sha256, scopes, expires, sets, models } = entry as Record<string, unknown>;
  if (typeof id !== 'string' || !/^[A-Za-z0-9._-]{1,64}$/.test(id)) throw wrong('id is not a name');
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256))
    throw wrong('sha256 is not 64 lower-case hexadecimal digits');
  if (!Array.isArray(scopes) || scopes.length === 0 || !scopes.every((s) => SCOPES.includes(s as Scope)))
    throw wrong(`scopes is not a list of ${SCOPES.join(', ')}`);
  const untilMs =
    expires === undefined ? Number.POSITIVE_INFINITY : typeof expires === 'string' ? Date.parse(expires) : Number.NaN;
  if (Number.isNaN(untilMs)) throw wrong('expires is not a time such as 2027-01-01T00:00:00Z');
  return {
    hash: Buffer.from(sha256, 'hex'),
    untilMs,
    caller: { id, scopes: new Set(scopes as Scope[]), sets: namesOf(sets, wrong), models: namesOf(models, wrong) },
  };
}

function namesOf(value: unknown, wrong: (what: string) => PrescoreError): ReadonlySet<string> | null {
  if (value === undefined) return null;
  if (!Array.isArray(value) || !value.every((name) => typeof name === 'string'))
    throw wrong('sets and models are lists of names');
  return new Set(value as string[]);
}
