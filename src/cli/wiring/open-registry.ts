import { hostname, userInfo } from 'node:os';
import { REGISTRY_VARIABLE } from '../../base/contract/model-ref.ts';
import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { RegistryWriter } from '../../base/contract/registry.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { resolveUri } from '../../data/object-store/uri.ts';
import { openRegistryAt } from '../../registry/store/registry.ts';

/** The registry at a URI or path, over stores that stay the caller's. Nothing is read before it is asked. Errors: URI_INVALID, STORE_CONFIG. */
export function openRegistry(uri: string, stores: StoreResolver): RegistryWriter {
  const root = resolveUri(uri, process.cwd()).replace(/(?<=.)\/+$/, '');
  return openRegistryAt(stores.at(`${root}/`));
}

/** What --registry or `registry:` says, else PRESCORE_REGISTRY. Errors: USAGE where neither does. */
export function registryUri(named: string | null | undefined, env: NodeJS.ProcessEnv = process.env): string {
  const uri = named ?? env[REGISTRY_VARIABLE] ?? '';
  if (uri !== '') return uri;
  throw new PrescoreError('USAGE', {
    what: 'no registry is named',
    expected: `--registry URI, or ${REGISTRY_VARIABLE} in the environment`,
    fix: 'Any folder or prefix is one: --registry ./models or --registry s3://bucket/models.',
  });
}

/** Who adds a version or moves a label: what was said, else `user@host`. Errors: none. */
export function whoAmI(said: string | undefined): string {
  if (said !== undefined && said.trim() !== '') return said.trim();
  return `${userName()}@${hostname()}`;
}

// A user id without a name, as in containers, has none.
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
