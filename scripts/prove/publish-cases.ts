import { seeded } from '../../src/model/elements/seeded.ts';

/** Named points that a publication passes, in order; the last two only where something is old enough to be reclaimed. */
export const POINTS = [
  'after-lease',
  'after-meta',
  'between-pages#1',
  'between-pages#5',
  'before-flip',
  'after-flip',
  'reclaim-before-drop',
  'reclaim-after-drop',
] as const;

/** What happens to a publication. Times are shares of the time that an undisturbed one takes. */
export type Disturbance =
  | { readonly what: 'publisher at a point'; readonly point: string }
  | { readonly what: 'publisher' | 'supervisor' | 'redis'; readonly share: number }
  | { readonly what: 'stopped'; readonly point: string };

export interface PublishCase {
  readonly index: number;
  readonly store: 'lmdb' | 'redis everysec' | 'redis always';
  readonly disturbance: Disturbance;
}

/**
 * Case number `index` of a seed. The first eight have one of everything; then it goes round.
 */
export function publishCase(seed: number, index: number): PublishCase {
  const random = seeded(seed * 1000 + index);
  const stores = ['lmdb', 'redis everysec', 'redis always'] as const;
  const point = POINTS[Math.floor(random() * POINTS.length)]!;
  const share = random() * 0.9;
  // A stopped publisher is past its checks at the end of the pages and before the flip.
  const late = ['between-pages#1', 'between-pages#8', 'before-flip'][Math.floor(random() * 3)]!;
  const redis = random() < 0.5 ? stores[1] : stores[2];
  switch (index % 8) {
    case 0:
    case 1:
    case 2:
      return { index, store: stores[index % 3]!, disturbance: { what: 'publisher at a point', point } };
    case 3:
      return { index, store: stores[(index >> 3) % 3]!, disturbance: { what: 'publisher', share } };
    case 4:
      return { index, store: stores[((index >> 3) + 1) % 3]!, disturbance: { what: 'supervisor', share } };
    case 5:
      return { index, store: redis, disturbance: { what: 'redis', share } };
    default:
      return { index, store: index % 2 === 0 ? 'lmdb' : redis, disturbance: { what: 'stopped', point: late } };
  }
}

export function sayCase({ store, disturbance }: PublishCase): string {
  const when = 'share' in disturbance ? `at ${Math.round(disturbance.share * 100)} %` : disturbance.point;
  return `${store}: ${disturbance.what} ${when}`;
}
