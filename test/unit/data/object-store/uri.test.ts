import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatUri, joinKey, parseUri, resolveUri } from '../../../../src/data/object-store/uri.ts';

const parse = (text: string) => parseUri(text, '/base/folder');

describe('parseUri', () => {
  it.each([
    ['/abs/file.parquet', 'abs/file.parquet'],
    ['relative/file', 'base/folder/relative/file'],
    ['../up', 'base/up'],
    ['.', 'base/folder'],
    ['/trailing/', 'trailing/'],
    ['trailing/', 'base/folder/trailing/'],
    ['/', ''],
    ['/percent%20stays', 'percent%20stays'],
    ['/a b+c?d#e', 'a b+c?d#e'],
    ['C:file', 'base/folder/C:file'],
    ['~user', 'base/folder/~user'],
    ['file:///abs/file', 'abs/file'],
    ['FILE:///abs', 'abs'],
    ['file:///a%20b%25%c3%a9', 'a b%é'],
    ['file:///what?and#more', 'what?and#more'],
    ['file:///month={partition}/*.parquet', 'month={partition}/*.parquet'],
    ['file:///folder/', 'folder/'],
    ['file:///a/../b//c', 'b/c'],
  ])('reads the file place %s', (text, key) => {
    expect(parse(text)).toEqual({ kind: 'file', key });
  });

  it.each([
    ['s3://bucket/key', 'bucket', 'key'],
    ['s3://bucket', 'bucket', ''],
    ['s3://bucket/', 'bucket', ''],
    ['S3://my.bucket-1/a//b/../c/', 'my.bucket-1', 'a//b/../c/'],
    ['s3://bucket//leading', 'bucket', '/leading'],
    ['s3://bucket/a b+c%2Fd?e#f', 'bucket', 'a b+c%2Fd?e#f'],
    ['s3://bucket/ünï/🎉', 'bucket', 'ünï/🎉'],
  ])('reads the S3 place %s', (text, bucket, key) => {
    expect(parse(text)).toEqual({ kind: 's3', bucket, key });
  });

  it.each([
    ['', /empty/],
    ['a\0b', /NUL/],
    ['s3://bucket/\ud800', /Unicode/],
    ['~/data', /~/],
    ['~', /~/],
    ['file://host/abs', /host/],
    ['file:/abs', /three slashes/],
    ['file:relative', /three slashes/],
    ['file:///a%2Fb', /escapes/],
    ['file:///a%00b', /escapes/],
    ['file:///a%zz', /decoded/],
    ['file:///a%ff', /decoded/],
    ['http://host/x', /a web address cannot be opened/],
    ['nfs://host/x', /nfs:\/\/ is not supported/],
    ['gs://bucket/x', /gs:/],
    ['s3a://bucket/x', /s3:\/\//],
    ['s3://', /no bucket/],
    ['s3:///key', /no bucket/],
    ['s3://ab/key', /3 to 63/],
    [`s3://${'a'.repeat(64)}/key`, /3 to 63/],
    ['s3://Bucket/key', /a-z/],
    ['s3://under_score/key', /a-z/],
    ['s3://-dash/key', /a-z/],
    ['s3://two..dots/key', /two dots/],
    ['s3://192.168.0.1/key', /IP/],
    ['s3://host:9000/key', /a-z/],
    [`s3://bucket/${'k'.repeat(1025)}`, /1024 bytes/],
    [`s3://bucket/${'é'.repeat(513)}`, /1024 bytes/],
  ])('refuses %j', (text, reason) => {
    expect(() => parse(text)).toThrow(reason);
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'URI_INVALID' }));
  });

  it('does not repeat credentials', () => {
    expect(() => parse('s3://AKIAKEY:topsecret@bucket/key')).toThrow(/credentials/);
    expect(() => parse('s3://AKIAKEY:topsecret@bucket/key')).not.toThrow(/topsecret|AKIAKEY/);
    expect(() => parse('https://me:topsecret@host/key')).not.toThrow(/topsecret/);
  });
});

describe('round trips', () => {
  const name = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    .filter((s) => !/[\0/]/.test(s) && s !== '.' && s !== '..');

  it('formats file places so that they are read back', () => {
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (names) => {
        const place = { kind: 'file', key: names.join('/') } as const;
        expect(parse(formatUri(place))).toEqual(place);
        expect(parse(`/${place.key}`)).toEqual(place);
        expect(resolveUri(formatUri(place), '/')).toBe(formatUri(place));
      }),
    );
  });

  it('keeps S3 keys byte for byte', () => {
    const key = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((s) => !s.includes('\0'));
    fc.assert(
      fc.property(key, (k) => {
        const place = { kind: 's3', bucket: 'bucket', key: k } as const;
        expect(parse(formatUri(place))).toEqual(place);
      }),
    );
    const longest = `s3://bucket/${'k'.repeat(1024)}`;
    expect(formatUri(parse(longest))).toBe(longest);
  });

  it('leaves readable characters, placeholders and globs alone', () => {
    expect(resolveUri('month={partition}/über alles *.parquet', '/in')).toBe(
      '/in/month={partition}/über alles *.parquet',
    );
    expect(resolveUri('100%\n', '/in')).toBe('/in/100%\n');
  });
});

describe('joining', () => {
  it('puts one slash between', () => {
    expect(joinKey('', 'a')).toBe('a');
    expect(joinKey('p', 'a')).toBe('p/a');
    expect(joinKey('p/', 'a')).toBe('p/a');
  });
});
