import type { FeatureForm, FeatureRow } from '../../base/contract/job-scorer.ts';
import type { GenerationMeta } from '../../base/contract/prediction-set.ts';
import type { EventShape } from '../../base/contract/stream-config.ts';
import { isPrescoreError } from '../../base/errors/prescore-error.ts';
import { parseInstant } from '../../job/values/instant.ts';
import { keyBytes, type PredictionKey } from '../../sets/prediction-set/key-bytes.ts';
import { idTime, type StreamEntry } from '../../sets/redis/event-stream.ts';

/** An event that can be scored. */
export interface ReadEvent {
  readonly key: Uint8Array;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  readonly features: FeatureRow;
}

/** Why an event cannot be used, or was not scored. It never holds values. */
export interface EventFault {
  readonly rule: string;
  /** Column or field; empty when it is the whole event. */
  readonly column: string;
  readonly message: string;
}

export interface EventRules {
  readonly event: EventShape;
  /** What the key of the set is made of. */
  readonly key: GenerationMeta['key'];
  /** Names of the job's features: a field that holds the key or the time may be one of them too. */
  readonly features: ReadonlySet<string>;
  /** A later time than this is a fault: it would win over everything that really comes later. */
  readonly latestMs: number;
}

const TEXT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** How the values of an event's features are written. */
export function featureForm(event: EventShape): FeatureForm {
  return event.features === null ? 'text' : 'json';
}

/** Takes an entry apart. Errors: none; what is wrong is the answer. */
export function readEvent(entry: StreamEntry, rules: EventRules): ReadEvent | EventFault {
  const { event, key, features } = rules;
  const fields = textFields(entry);
  if ('rule' in fields) return fields;
  const parsed = event.features === null ? null : jsonFeatures(fields, event.features);
  if (parsed !== null && 'fault' in parsed) return parsed.fault;
  const json = parsed?.json ?? null;
  const found = (name: string): unknown => fields.get(name) ?? (json === null ? undefined : ownValue(json, name));
  const names = event.key ?? key.columns;
  const bytes = keyOf(names.map(found), names, key.kind);
  if ('rule' in bytes) return bytes;
  const timeMs = event.time === null ? idTime(entry.id) : timeOf(found(event.time));
  if (timeMs === null) return fault('bad_time', event.time ?? '', 'expected RFC 3339 or milliseconds since 1970');
  if (timeMs > rules.latestMs) return fault('bad_time', event.time ?? '', 'the time is in the future');
  const besides = new Set([...names, ...event.ignore, ...(event.time === null ? [] : [event.time])]);
  const given: readonly (readonly [string, unknown])[] = json === null ? [...fields] : Object.entries(json);
  const row = given.filter(([name]) => features.has(name) || !besides.has(name));
  if (json !== null) {
    const stranger = [...fields.keys()].find((name) => name !== event.features && !besides.has(name));
    if (stranger !== undefined)
      return fault('unknown_feature', stranger, 'beside the JSON object this field says nothing');
  }
  return {
    key: bytes.key,
    timeMs,
    features: { names: row.map(([name]) => name), values: row.map(([, value]) => value) },
  };
}

function textFields(entry: StreamEntry): Map<string, string> | EventFault {
  const fields = new Map<string, string>();
  for (const [name, value] of entry.fields ?? []) {
    let text = '';
    try {
      text = TEXT.decode(name);
      fields.set(text, TEXT.decode(value));
    } catch {
      return fault('bad_utf8', text, 'a field is not valid UTF-8');
    }
  }
  return fields;
}

type JsonObject = Readonly<Record<string, unknown>>;

function jsonFeatures(
  fields: ReadonlyMap<string, string>,
  name: string,
): { readonly json: JsonObject } | { readonly fault: EventFault } {
  const text = fields.get(name);
  const wrong = (message: string) => ({ fault: fault('bad_json', name, message) });
  if (text === undefined) return wrong('the field is missing');
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { json: value as JsonObject };
  } catch {
    return wrong('this is no JSON');
  }
  return wrong('expected a JSON object');
}

function ownValue(json: JsonObject, name: string): unknown {
  return Object.hasOwn(json, name) ? json[name] : undefined;
}

function keyOf(
  values: readonly unknown[],
  names: readonly string[],
  kind: GenerationMeta['key']['kind'],
): { readonly key: Uint8Array } | EventFault {
  const parts: (string | number | bigint | Uint8Array)[] = [];
  for (const [i, value] of values.entries()) {
    const part = keyPart(value, kind);
    if (typeof part === 'object' && 'rule' in part) return { ...part, column: names[i]! };
    parts.push(part);
  }
  try {
    const key: PredictionKey = kind === 'composite' ? parts : parts[0]!;
    return { key: keyBytes(key, kind, parts.length) };
  } catch (error) {
    if (!isPrescoreError(error)) throw error;
    return fault('bad_key', names.join(', '), error.details.what);
  }
}

function keyPart(
  value: unknown,
  kind: GenerationMeta['key']['kind'],
): string | number | bigint | Uint8Array | EventFault {
  if (value === undefined || value === null || value === '') return fault('bad_key', '', 'the key is missing');
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== 'string') return fault('bad_key', '', 'expected a text or a whole number');
  if (!text.isWellFormed()) return fault('bad_key', '', 'the key is not valid Unicode');
  if (kind === 'binary') {
    return BASE64.test(text) ? Buffer.from(text, 'base64') : fault('bad_key', '', 'expected base64');
  }
  if (kind !== 'integer') return text;
  return /^[+-]?\d{1,20}$/.test(text)
    ? BigInt(text.replace(/^\+/, ''))
    : fault('bad_key', '', 'expected a whole number');
}

function timeOf(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? Math.floor(value) : null;
  if (typeof value !== 'string') return null;
  if (/^\d{1,16}$/.test(value)) return Number(value);
  const match = /^(.{10}[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)?$/.exec(value);
  const [whole, fraction] = match === null ? [value, ''] : [`${match[1]}${match[3] ?? ''}`, match[2] ?? ''];
  const ms = parseInstant(whole.replace(/t/, 'T').replace(/z$/, 'Z'));
  return ms === null ? null : ms + Number(fraction.padEnd(3, '0').slice(0, 3));
}

function fault(rule: string, column: string, message: string): EventFault {
  return { rule, column, message };
}
