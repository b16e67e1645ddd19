import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/base/contract/object-store.ts';
import { ADAPTERS, type TestStore } from '../harness/store-adapters.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const ODD_KEYS = [
  'a b',
  ' leading and trailing ',
  'plus+plus',
  'percent%2Fslash',
  'percent%20space',
  'percent%',
  'ünï/日本/🎉',
  'e\u0301 not é',
  `quote"s and apostrophe's`,
  'amp&lt<gt>;&amp;',
  'star*(paren)!',
  'what?and#hash',
  'month=1/day=2,x;y:@$',
  '{braces}[brackets]|^`~',
  'tab\tand\nnewline\r',
  'part-00000.parquet',
  '.hidden',
];

describe.each(ADAPTERS)('object store: $name', ({ name, open }) => {
  let place: TestStore;
  let store: ObjectStore;
  const key = (suffix: string): string => place.root + suffix;
  const listed = async (prefix: string): Promise<string[]> =>
    (await Array.fromAsync(store.list(key(prefix)))).map((i) => i.key.slice(place.root.length));

  beforeAll(async () => {
    place = await open('objects');
    store = place.store;
  });
  afterAll(() => place.close());

  it('says what it is', () => {
    expect(store.kind).toBe(name);
    expect(store.localPath(key('a')) === null).toBe(name === 's3');
  });

  it('puts, replaces, reads and deletes', async () => {
    expect(await store.head(key('small'))).toBeNull();
    expect(await store.get(key('small'))).toBeNull();
    await store.put(key('small'), text('one'));
    const first = await store.head(key('small'));
    expect(first).toMatchObject({ key: key('small'), size: 3 });
    expect(Math.abs(Date.now() - first!.modifiedMs)).toBeLessThan(60_000);
    await store.put(key('small'), text('two!'));
    const stored = await store.get(key('small'));
    expect(Buffer.from(stored!.bytes).toString()).toBe('two!');
    const second = await store.head(key('small'));
    expect(second?.etag).toBe(stored?.etag);
    expect(second?.etag).not.toBe(first?.etag);
    await store.delete(key('small'));
    await store.delete(key('small'));
    expect(await store.head(key('small'))).toBeNull();
  });

  it('keeps empty objects', async () => {
    await store.put(key('empty'), new Uint8Array(0));
    expect((await store.head(key('empty')))?.size).toBe(0);
    expect((await store.get(key('empty')))?.bytes.length).toBe(0);
  });

  it('refuses to read more than allowed', async () => {
    await store.put(key('large'), new Uint8Array(1001));
    await expect(store.get(key('large'), { maxBytes: 1000 })).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect((await store.get(key('large'), { maxBytes: 1001 }))?.bytes.length).toBe(1001);
  });

  it.each(ODD_KEYS)('keeps the key %j', async (odd) => {
    const full = key(`odd/${odd}`);
    await store.put(full, text(odd));
    expect(Buffer.from((await store.get(full))!.bytes).toString()).toBe(odd);
    expect(await store.head(full)).toMatchObject({ key: full });
    expect(await listed(`odd/${odd}`)).toContain(`odd/${odd}`);
    expect((await store.putIfAbsent(full, text('other'))).created).toBe(false);
    await store.delete(full);
    expect(await store.head(full)).toBeNull();
  });

  it('keeps a key of 1,024 bytes', async () => {
    const segment = `${'é'.repeat(100)}/`;
    const start = key('long/') + segment.repeat(3);
    const rest = 1024 - Buffer.byteLength(start);
    const long = `${start}${'x'.repeat(200)}/${'y'.repeat(rest - 201)}`;
    expect(Buffer.byteLength(long)).toBe(1024);
    await store.put(long, text('far'));
    expect((await store.get(long))?.bytes.length).toBe(3);
    expect((await Array.fromAsync(store.list(key('long/')))).map((i) => i.key)).toEqual([long]);
  });

  it('lists by prefix, also within a name, and knows no folders', async () => {
    for (const name of ['b/x-1', 'b/x-2', 'b/x/deep/1', 'b/y', 'c']) await store.put(key(`list/${name}`), text(name));
    expect((await listed('list/')).sort()).toEqual(
      ['b/x-1', 'b/x-2', 'b/x/deep/1', 'b/y', 'c'].map((n) => `list/${n}`),
    );
    expect((await listed('list/b/x')).sort()).toEqual(['b/x-1', 'b/x-2', 'b/x/deep/1'].map((n) => `list/${n}`));
    expect(await listed('list/b/x/')).toEqual(['list/b/x/deep/1']);
    expect(await listed('list/none')).toEqual([]);
    expect(await listed('none/at/all/')).toEqual([]);
    expect(await store.head(key('list/b'))).toBeNull();
    expect(await store.get(key('list/b'))).toBeNull();
  });

  it('lists what comes after a key', async () => {
    for (const name of ['a', 'b', 'b0', 'c']) await store.put(key(`after/${name}`), text(name));
    const behind = async (last: string): Promise<string[]> =>
      (await Array.fromAsync(store.list(key('after/'), key(`after/${last}`)))).map((i) => i.key.slice(-2));
    expect([await behind('b'), await behind('c'), await behind('A')]).toEqual([
      ['b0', '/c'],
      [],
      ['/a', '/b', 'b0', '/c'],
    ]);
    const within = store.list(key('after/b'), key('after/b'));
    expect((await Array.fromAsync(within)).map((i) => i.key.slice(-2))).toEqual(['b0']);
  });

  it('lists more than one page', async () => {
    const names = Array.from({ length: 1040 }, (_, i) => `many/${String(i).padStart(5, '0')}`);
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < names.length) {
        const mine = names[next++]!;
        await store.put(key(mine), text(mine));
      }
    };
    await Promise.all(Array.from({ length: 16 }, lane));
    expect(await listed('many/')).toEqual(names);
    // Leaving early is allowed.
    for await (const info of store.list(key('many/'))) {
      expect(info.size).toBe(10);
      break;
    }
  });

  it('reads ranges of a pinned version', async () => {
    const bytes = new Uint8Array(100_000).map((_, i) => (i * 7) % 251);
    await store.put(key('ranged'), bytes);
    const { etag } = (await store.head(key('ranged')))!;
    const into = new Uint8Array(300).fill(255);
    await store.readRange(key('ranged'), { offset: 99_900, length: 100 }, etag, into, 150);
    expect(Buffer.compare(into.subarray(150, 250), bytes.subarray(99_900))).toBe(0);
    expect(into.subarray(0, 150).every((b) => b === 255) && into.subarray(250).every((b) => b === 255)).toBe(true);
    const whole = new Uint8Array(bytes.length);
    await store.readRange(key('ranged'), { offset: 0, length: bytes.length }, etag, whole);
    expect(Buffer.compare(whole, bytes)).toBe(0);
    await store.readRange(key('ranged'), { offset: 5, length: 0 }, etag, into);
  });

  it('tells what is wrong with a pinned version', async () => {
    const read = (offset: number, length: number, etag: string): Promise<void> =>
      store.readRange(key('pinned'), { offset, length }, etag, new Uint8Array(length));
    await store.put(key('pinned'), new Uint8Array(100));
    const { etag } = (await store.head(key('pinned')))!;
    await expect(read(90, 20, etag)).rejects.toMatchObject({ code: 'INPUT_TRUNCATED' });
    await expect(read(100, 10, etag)).rejects.toMatchObject({ code: 'INPUT_TRUNCATED' });
    await store.put(key('pinned'), new Uint8Array(100).fill(1));
    await expect(read(0, 10, etag)).rejects.toMatchObject({ code: 'INPUT_CHANGED' });
    await expect(read(0, 0, etag)).rejects.toMatchObject({ code: 'INPUT_CHANGED' });
    await expect(read(200, 10, etag)).rejects.toMatchObject({ code: 'INPUT_CHANGED' });
    await store.delete(key('pinned'));
    await expect(read(0, 10, etag)).rejects.toMatchObject({ code: 'INPUT_GONE' });
    await expect(read(0, 0, etag)).rejects.toMatchObject({ code: 'INPUT_GONE' });
  });

  it('creates an object once', async () => {
    expect(await store.putIfAbsent(key('once'), text('first'))).toEqual({ created: true });
    expect(await place.other.putIfAbsent(key('once'), text('second'))).toEqual({ created: false });
    expect(Buffer.from((await store.get(key('once')))!.bytes).toString()).toBe('first');
  });

  it('lets one of eight writers win, two rounds', async () => {
    for (let round = 0; round < 2; round++) {
      const writers = Array.from({ length: 8 }, (_, i) => i);
      const race = writers.map((i) =>
        (i % 2 === 0 ? store : place.other).putIfAbsent(key(`race/${round}`), text(`writer ${i}`)),
      );
      const winners = (await Promise.all(race)).flatMap(({ created }, i) => (created ? [i] : []));
      expect(winners).toHaveLength(1);
      expect(Buffer.from((await store.get(key(`race/${round}`)))!.bytes).toString()).toBe(`writer ${winners[0]}`);
    }
  });

  it('leaves nothing behind', async () => {
    await store.putIfAbsent(key('tidy/a'), text('a'));
    await store.putIfAbsent(key('tidy/a'), text('b'));
    await store.put(key('tidy/b'), text('b'));
    expect((await listed('tidy/')).sort()).toEqual(['tidy/a', 'tidy/b']);
  });

  it('finds out what the store can do', async () => {
    expect(await store.probe(key('probed/'))).toEqual({ conditionalPut: true, conditionalComplete: true });
    expect(await listed('probed/')).toEqual([]);
    expect(await place.waiting()).toBe(0);
  });
});
