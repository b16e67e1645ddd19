import type { GenerationMeta } from '../../base/contract/prediction-set.ts';
import { PAGE_GRACE_MS } from '../prediction-set/set-state.ts';

/** When the keys of a generation go by themselves, in milliseconds since 1970; null for never. */
export function expiryMs(meta: GenerationMeta): number | null {
  return meta.expiresAt === null ? null : Date.parse(meta.expiresAt) + PAGE_GRACE_MS;
}

/** What a SET of a key of this generation ends with. */
export function expiryArgs(meta: GenerationMeta): readonly string[] {
  const at = expiryMs(meta);
  return at === null ? [] : ['PXAT', String(at)];
}
