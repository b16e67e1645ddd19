import type { Location, ObjectStore, StoreConfig, StoreResolver } from '../../base/contract/object-store.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { FileStore } from '../../data/file-store/file-store.ts';
import { ENDPOINT_VARIABLE, withOwnStore } from '../../data/object-store/own-store.ts';
import { type StoreOptions, storeSettings } from '../../data/object-store/store-options.ts';
import { formatUri, parseUri } from '../../data/object-store/uri.ts';
import type { S3Connection } from '../../data/s3-store/s3-client.ts';
import { S3Store } from '../../data/s3-store/s3-store.ts';

export interface ResolverOptions extends StoreOptions {
  /** The process's environment. Only looked at; credentials are found by the SDK itself. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What relative paths are relative to; the working folder when left out. */
  readonly baseFolder?: string;
  /** Nobody waits for this thread: local files may be looked at in it. */
  readonly isPatient?: boolean;
}

const PLAIN_AWS: StoreConfig = { endpoint: null, region: null, pathStyle: false, buckets: [] };

/**
 * Opens stores by URI. A bucket is served by the block that names it, else by `main` (of the environment, where the file has none),
 * else by AWS itself. Nothing is
 * loaded or connected before the first request; the AWS SDK not at all while only files are used.
 *
 * Errors: STORE_CONFIG when two blocks name one bucket; `at` also raises it for a bad endpoint or switched-off TLS checks. Owns: the caller closes it.
 */
export function createStoreResolver(
  stores: Readonly<Record<string, StoreConfig>>,
  options: ResolverOptions,
): StoreResolver {
  return new LazyStores(stores, options);
}

class LazyStores implements StoreResolver {
  readonly #blocks: Readonly<Record<string, StoreConfig>>;
  /** Whether the block `main` comes from the environment. */
  readonly #isOwnMain: boolean;
  readonly #options: ResolverOptions;
  readonly #blockOfBucket: ReadonlyMap<string, string>;
  readonly #buckets = new Map<string, ObjectStore>();
  readonly #connections = new Map<string, Promise<S3Connection>>();
  readonly #file: FileStore;

  constructor(blocks: Readonly<Record<string, StoreConfig>>, options: ResolverOptions) {
    this.#blocks = withOwnStore(blocks, options.env);
    this.#isOwnMain = !Object.hasOwn(blocks, 'main');
    this.#options = options;
    this.#file = new FileStore({ isPatient: options.isPatient === true });
    this.#blockOfBucket = mapBuckets(blocks);
  }

  at(uri: string): Location {
    const parsed = parseUri(uri, this.#options.baseFolder ?? process.cwd());
    const store = parsed.kind === 'file' ? this.#file : this.#bucket(parsed.bucket);
    return { store, key: parsed.key, uri: formatUri(parsed) };
  }

  async close(): Promise<void> {
    const open = [...this.#buckets.values()];
    await Promise.all(open.map((store) => store.close()));
    for (const connection of await Promise.allSettled(this.#connections.values())) {
      if (connection.status === 'fulfilled') connection.value.close();
    }
  }

  #bucket(bucket: string): ObjectStore {
    const known = this.#buckets.get(bucket);
    if (known !== undefined) return known;
    refuseUncheckedTls(this.#options.env);
    const block = this.#blockOfBucket.get(bucket) ?? 'main';
    const where = block === 'main' && this.#isOwnMain ? ENDPOINT_VARIABLE : `stores.${block}.endpoint`;
    checkEndpoint(where, this.#blocks[block]?.endpoint ?? null);
    const connect = async (): Promise<ReturnType<S3Connection['bucket']>> =>
      (await this.#connection(block)).bucket(bucket);
    const store = new S3Store(bucket, connect, storeSettings(this.#options));
    this.#buckets.set(bucket, store);
    return store;
  }

  #connection(block: string): Promise<S3Connection> {
    const known = this.#connections.get(block);
    if (known !== undefined) return known;
    const config = this.#blocks[block] ?? PLAIN_AWS;
    const { env } = this.#options;
    // Stores of one's own rarely have regions, but signatures need one.
    const hasRegion = config.endpoint === null || env['AWS_REGION'] !== undefined;
    const made = import('../../data/s3-store/s3-client.ts').then(({ connectS3 }) =>
      connectS3(config, hasRegion ? null : 'us-east-1', storeSettings(this.#options)),
    );
    this.#connections.set(block, made);
    return made;
  }
}

function mapBuckets(blocks: Readonly<Record<string, StoreConfig>>): Map<string, string> {
  const found = new Map<string, string>();
  for (const [block, { buckets }] of Object.entries(blocks)) {
    for (const bucket of buckets) {
      const other = found.get(bucket);
      if (other !== undefined && other !== block) {
        throw new PrescoreError('STORE_CONFIG', {
          what: 'Two stores serve one bucket',
          where: `stores.${block}.buckets`,
          got: bucket,
          fix: `Name the bucket in stores.${other} or stores.${block}, not in both.`,
        });
      }
      found.set(bucket, block);
    }
  }
  return found;
}

function checkEndpoint(where: string, endpoint: string | null): void {
  if (endpoint === null) return;
  const url = URL.parse(endpoint);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new PrescoreError('STORE_CONFIG', {
      what: 'The endpoint is not a URL',
      where,
      expected: 'http://host:port or https://host',
    });
  }
  // Not shown: it may be a secret.
  if (url.username !== '' || url.password !== '') {
    throw new PrescoreError('STORE_CONFIG', {
      what: 'The endpoint holds credentials',
      where,
      fix: 'Put them into the environment.',
    });
  }
}

function refuseUncheckedTls(env: ResolverOptions['env']): void {
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0') return;
  throw new PrescoreError('STORE_CONFIG', {
    what: 'NODE_TLS_REJECT_UNAUTHORIZED=0 switches off all TLS checks',
    where: 'environment',
    fix: 'Unset it; for a private CA set NODE_EXTRA_CA_CERTS to its certificate file.',
  });
}
