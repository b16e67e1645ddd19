import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { StoreConfig } from '../../../../src/base/contract/object-store.ts';
import { createStoreResolver } from '../../../../src/cli/wiring/open-store.ts';

const ROOM = join(import.meta.dirname, '../../../../src/cli/wiring');
const block = (change: Partial<StoreConfig>): StoreConfig => ({
  endpoint: null,
  region: null,
  pathStyle: false,
  buckets: [],
  ...change,
});

describe('createStoreResolver', () => {
  it('opens each root once and gives keys and URIs', () => {
    const stores = createStoreResolver({}, { env: {}, baseFolder: '/base' });
    const [a, b] = [stores.at('x/y'), stores.at('file:///other')];
    expect(a).toMatchObject({ key: 'base/x/y', uri: '/base/x/y' });
    expect(a.store).toBe(b.store);
    expect(stores.at('s3://bucket/k').store).toBe(stores.at('s3://bucket/other').store);
    expect(stores.at('s3://bucket/k').store).not.toBe(stores.at('s3://bucket2/k').store);
    expect(stores.at('s3://bucket/a b%2F').uri).toBe('s3://bucket/a b%2F');
  });

  it('refuses two blocks for one bucket', () => {
    const stores = { main: block({}), a: block({ buckets: ['one', 'two'] }), b: block({ buckets: ['two'] }) };
    expect(() => createStoreResolver(stores, { env: {} })).toThrow(/STORE_CONFIG.*stores\.b\.buckets.*two/);
  });

  it('refuses switched-off TLS checks, but only where they count', () => {
    const stores = createStoreResolver({}, { env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } });
    expect(stores.at('/file').key).toBe('file');
    expect(() => stores.at('s3://bucket/key')).toThrow(/STORE_CONFIG.*NODE_EXTRA_CA_CERTS/);
  });

  it('refuses endpoints that are no URL or hold credentials', () => {
    const at = (endpoint: string) => () =>
      createStoreResolver({ main: block({ endpoint }) }, { env: {} }).at('s3://bucket/key');
    expect(at('localhost:9000')).toThrow(/STORE_CONFIG.*stores\.main\.endpoint/);
    expect(at('ftp://host')).toThrow(/STORE_CONFIG/);
    expect(at('http://me:hidden@host')).toThrow(/STORE_CONFIG/);
    expect(at('http://me:hidden@host')).not.toThrow(/hidden/);
  });

  it('does not load the AWS SDK while only files are used', async () => {
    const script = `
      import { registerHooks } from 'node:module';
      const loaded = [];
      registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
      const { createStoreResolver } = await import(${JSON.stringify(join(ROOM, 'open-store.ts'))});
      const stores = createStoreResolver({}, { env: {} });
      const { store, key } = stores.at(${JSON.stringify(import.meta.filename)});
      if ((await store.head(key)) === null) throw new Error('not found');
      stores.at('s3://bucket/key');
      await stores.close();
      console.log(loaded.filter((url) => url.includes('aws-sdk') || url.includes('smithy')).length, loaded.length);
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    expect(stdout).toMatch(/^0 \d\d/);
  });
});
