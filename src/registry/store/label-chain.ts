import { createHash } from 'node:crypto';
import { labelProblem } from '../../base/contract/model-ref.ts';
import type { Location } from '../../base/contract/object-store.ts';
import type { LabelRecord } from '../../base/contract/registry.ts';
import { together } from '../../base/lanes/together.ts';
import { labelKey, READS } from './layout.ts';
import { corrupt, decodeRecord, encodeRecord, isVersion } from './record-text.ts';

const MOST_BYTES = 4 * 2 ** 20;

/** A record as its bytes were. */
interface Link {
  readonly record: LabelRecord;
  readonly sha256: string;
}

/** The labels of one name: `_labels/<n>.json`, put-if-absent, each with the sha256 of the one before. The highest n is current. */
export class LabelChain {
  private readonly root: Location;
  private readonly name: string;
  /** The newest that was seen; asking again begins there. */
  private known: Link | null = null;

  constructor(root: Location, name: string) {
    this.root = root;
    this.name = name;
  }

  /** The newest link; null before the first. A listing says where to begin, and probing upward where the end is. Errors: REGISTRY_CORRUPT; those of the store. */
  async head(): Promise<LabelRecord | null> {
    let link = await this.start();
    for (;;) {
      const next = await this.read((link?.record.n ?? 0) + 1);
      if (next === null) break;
      this.requireFollows(next, link);
      link = next;
    }
    this.known = link;
    return link?.record ?? null;
  }

  /** All links, oldest first, each checked against the one before. Errors: REGISTRY_CORRUPT; those of the store. */
  async history(): Promise<LabelRecord[]> {
    const head = await this.head();
    const numbers = Array.from({ length: head?.n ?? 0 }, (_, i) => i + 1);
    const links = await together(
      numbers,
      READS,
      () => 1,
      (n) => this.read(n),
    );
    let before: Link | null = null;
    return links.map((link, i) => {
      if (link === null) throw corrupt('a record of the chain of labels is missing', this.uriOf(i + 1));
      this.requireFollows(link, before);
      before = link;
      return link.record;
    });
  }

  /** Puts a link behind `head`; null when somebody else was faster. Errors: those of the store. */
  async append(
    head: LabelRecord | null,
    link: Omit<LabelRecord, 'format' | 'n' | 'prev'>,
  ): Promise<LabelRecord | null> {
    const prev = this.known;
    // Only what `head` has just answered can be followed.
    if (prev?.record !== (head ?? undefined)) return null;
    const n = (head?.n ?? 0) + 1;
    const { at, by, reason, labels, evidence, removed } = link;
    const record: LabelRecord = { format: 1, n, at, by, reason, labels, prev: prev?.sha256 ?? null, evidence, removed };
    const bytes = encodeRecord(record);
    if (!(await this.root.store.putIfAbsent(labelKey(this.root, this.name, n), bytes)).created) return null;
    this.known = { record, sha256: sha256Of(bytes) };
    return record;
  }

  uriOf(n: number): string {
    return this.root.store.uriOf(labelKey(this.root, this.name, n));
  }

  private async start(): Promise<Link | null> {
    const { known } = this;
    if (known !== null) {
      const now = await this.read(known.record.n);
      // Nobody changes a link; where one is another now, the folder was put in the place of another.
      if (now?.sha256 === known.sha256) return known;
    }
    const highest = await this.highestListed();
    if (highest === 0) return null;
    const [link, before] = await Promise.all([this.read(highest), highest === 1 ? null : this.read(highest - 1)]);
    if (link === null) return null;
    if (highest > 1 && before === null)
      throw corrupt('a record of the chain of labels is missing', this.uriOf(highest - 1));
    this.requireFollows(link, before);
    return link;
  }

  private async highestListed(): Promise<number> {
    const prefix = labelKey(this.root, this.name);
    let highest = 0;
    for await (const { key } of this.root.store.list(prefix)) {
      const n = /^([1-9]\d{0,14})\.json$/.exec(key.slice(prefix.length))?.[1];
      if (n !== undefined) highest = Math.max(highest, Number(n));
    }
    return highest;
  }

  private async read(n: number): Promise<Link | null> {
    const found = await this.root.store.get(labelKey(this.root, this.name, n), { maxBytes: MOST_BYTES });
    if (found === null) return null;
    return { record: readLink(found.bytes, this.uriOf(n), n), sha256: sha256Of(found.bytes) };
  }

  private requireFollows({ record }: Link, before: Link | null): void {
    const { prev, n } = record;
    if (prev === (before?.sha256 ?? null)) return;
    const what = 'the record does not follow from the one before it';
    throw corrupt(what, this.uriOf(n), `prev ${before?.sha256 ?? 'null'}`, `${prev}`);
  }
}

function readLink(bytes: Uint8Array, where: string, n: number): LabelRecord {
  const found = decodeRecord<LabelRecord>(bytes, where);
  if (found.n !== n) throw corrupt('the record is of another place', where, `n ${n}`, `n ${String(found.n)}`);
  const { labels, removed, at, by, reason } = found;
  const isWhole = [at, by, reason].every((text) => typeof text === 'string');
  if (!isWhole) throw corrupt('the record does not say when, by whom and why', where);
  const isMap = typeof labels === 'object' && labels !== null && !Array.isArray(labels);
  if (!isMap || !Object.entries(labels).every(([label, to]) => labelProblem(label) === null && isVersion(to)))
    throw corrupt('the labels of the record are no names of versions', where);
  if (!Array.isArray(removed) || !removed.every(isVersion)) throw corrupt('removed of the record is no list', where);
  if (!Array.isArray(found.evidence)) throw corrupt('evidence of the record is no list', where);
  return found as LabelRecord;
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
