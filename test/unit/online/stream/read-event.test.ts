import { describe, expect, it } from 'vitest';
import type { KeyKind } from '../../../../src/base/contract/prediction-set.ts';
import type { EventShape } from '../../../../src/base/contract/stream-config.ts';
import { type EventFault, type ReadEvent, readEvent } from '../../../../src/online/stream/read-event.ts';

const SHAPE: EventShape = { key: null, features: null, time: null, ignore: [] };
const ID = '1767225600123-4';
const AT = Date.parse('2026-01-01T00:00:00.123Z');

function read(
  fields: Readonly<Record<string, string | Buffer>>,
  event: Partial<EventShape> = {},
  kind: KeyKind = 'string',
  columns: readonly string[] = ['id'],
): ReadEvent | EventFault {
  const entry = { id: ID, fields: Object.entries(fields).map(([n, v]) => [Buffer.from(n), Buffer.from(v)] as const) };
  const rules = { event: { ...SHAPE, ...event }, key: { columns, kind }, features: new Set(['a', 'b']), latestMs: AT };
  return readEvent(entry, rules);
}

const shown = (event: ReadEvent | EventFault) => {
  if ('rule' in event) return `${event.rule} ${event.column}`;
  const { names, values } = event.features;
  const features = Object.fromEntries(names.map((name, i) => [name, values[i]]));
  return { ...event, features, key: Buffer.from(event.key).toString('latin1') };
};

describe('an event', () => {
  it('has its features in its fields, and its time in its id', () => {
    expect(shown(read({ id: 'k', a: '1', b: '' }))).toEqual({ key: 'k', timeMs: AT, features: { a: '1', b: '' } });
  });

  it('has them in one JSON object; key and time there or beside it', () => {
    const event = { features: 'p', time: 't', ignore: ['trace'] };
    const expected = { key: 'k', timeMs: 5, features: { a: [1], b: null } };
    expect(shown(read({ id: 'k', t: '5', p: '{"a":[1],"b":null}' }, event))).toEqual(expected);
    expect(shown(read({ trace: 'x', p: '{"id":"k","t":5,"a":[1],"b":null,"trace":1}' }, event))).toEqual(expected);
  });

  it('may have a key or a time that is a feature too', () => {
    const features = { a: '7', b: '3' };
    expect(shown(read({ ...features }, { key: ['a'], time: 'b' }))).toEqual({ key: '7', timeMs: 3, features });
    expect(shown(read({ p: '{"a":7,"b":3}' }, { key: ['a'], features: 'p', time: 'b' }))).toMatchObject({
      features: { a: 7, b: 3 },
    });
  });

  it.each<[KeyKind, string, string]>([
    ['string', '007', '007'],
    ['integer', '007', '7'],
    ['integer', '+9007199254740993', '9007199254740993'],
    ['integer', '-0', '0'],
    ['binary', 'AP8=', '\0\u00ff'],
  ])('makes a %s key of %s', (kind, text, bytes) => {
    expect(shown(read({ id: text }, {}, kind))).toMatchObject({ key: bytes });
  });

  it('joins a key of several fields', () => {
    const columns = ['carrier', 'number'];
    expect(shown(read({ number: '12', carrier: 'AA' }, {}, 'composite', columns))).toMatchObject({ key: '2:AA2:12' });
    expect(shown(read({ x: 'AA', y: '12' }, { key: ['x', 'y'] }, 'composite', columns))).toMatchObject({
      key: '2:AA2:12',
    });
    expect(shown(read({ carrier: 'AA' }, {}, 'composite', columns))).toBe('bad_key number');
  });

  it.each<[string, number | string]>([
    ['2026-01-01T00:00:00.1239Z', AT],
    ['2026-01-01 01:00:00.1+01:00', AT - 23],
    ['2026-01-01T00:00:00', AT - 123],
    ['2026-01-01', AT - 123],
    ['0', 0],
    ['2026-01-01T00:00:00.124Z', 'bad_time t'],
    ['2026-02-30T00:00:00Z', 'bad_time t'],
    ['-1', 'bad_time t'],
    ['', 'bad_time t'],
  ])('is of the time %s', (text, expected) => {
    const event = shown(read({ id: 'k', t: text }, { time: 't' }));
    expect(typeof event === 'string' ? event : event.timeMs).toBe(expected);
  });

  it.each<[string, Record<string, string | Buffer>, Partial<EventShape>, KeyKind, string]>([
    ['no key', { a: '1' }, {}, 'string', 'bad_key id'],
    ['an empty key', { id: '' }, {}, 'string', 'bad_key id'],
    ['a text for an integer key', { id: 'x' }, {}, 'integer', 'bad_key id'],
    ['a fraction as key', { p: '{"id":1.5}' }, { features: 'p' }, 'string', 'bad_key id'],
    ['a key that is too long', { id: 'x'.repeat(1025) }, {}, 'string', 'bad_key id'],
    ['no base64', { id: 'A' }, {}, 'binary', 'bad_key id'],
    ['a field that is no text', { id: 'k', a: Buffer.from([0xff]) }, {}, 'string', 'bad_utf8 a'],
    ['a time that is a list', { id: 'k', p: '{"t":[]}' }, { features: 'p', time: 't' }, 'string', 'bad_time t'],
    ['no JSON', { id: 'k', p: '{' }, { features: 'p' }, 'string', 'bad_json p'],
    ['a JSON list', { id: 'k', p: '[]' }, { features: 'p' }, 'string', 'bad_json p'],
    ['no JSON field', { id: 'k' }, { features: 'p' }, 'string', 'bad_json p'],
    ['a field beside the JSON', { id: 'k', a: '1', p: '{}' }, { features: 'p' }, 'string', 'unknown_feature a'],
  ])('is refused with %s', (_, fields, event, kind, expected) => {
    expect(shown(read(fields, event, kind))).toBe(expected);
  });

  it('keeps names of Object as names', () => {
    const event = read({ p: '{"id":"k","__proto__":1,"rule":2}' }, { features: 'p' });
    expect((event as ReadEvent).features.names).toEqual(['__proto__', 'rule']);
  });
});
