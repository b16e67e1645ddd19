import type { StoreConfig } from '../../base/contract/object-store.ts';

/** Where the endpoint of the store comes from that no file names. */
export const ENDPOINT_VARIABLE = 'PRESCORE_S3_ENDPOINT';
export const REGION_VARIABLE = 'PRESCORE_S3_REGION';

type Blocks = Readonly<Record<string, StoreConfig>>;

/**
 * The blocks of a file, with the block `main` from the environment where the file has none: an S3-compatible store by
 * PRESCORE_S3_ENDPOINT, or a region of AWS by PRESCORE_S3_REGION. What a file says goes before it. Errors: none.
 */
export function withOwnStore(blocks: Blocks, env: Readonly<Record<string, string | undefined>>): Blocks {
  const [endpoint, region] = [filled(env[ENDPOINT_VARIABLE]), filled(env[REGION_VARIABLE])];
  if (Object.hasOwn(blocks, 'main') || (endpoint === null && region === null)) return blocks;
  return { ...blocks, main: { endpoint, region, pathStyle: endpoint !== null, buckets: [] } };
}

function filled(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}
