import type { SourceKind } from '../../data/duckdb/source-kind.ts';
import type { FeatureVector } from './feature-batch.ts';
import type { NumberSource } from './pack-numbers.ts';

/** A numeric vector as the packer takes it. */
export function numberSource(view: FeatureVector, carrier: SourceKind['carrier']): NumberSource {
  const validity = view.validity();
  switch (carrier) {
    case 'f32':
      return { carrier, data: view.f32(), validity };
    case 'f64':
      return { carrier, data: view.f64(), validity };
    case 'i32':
      return { carrier, data: view.i32(), validity };
    case 'i64':
    case 'u64':
      return { carrier, data: view.words64(), validity };
    case 'str':
      throw new TypeError('a text column cannot be packed as numbers');
  }
}
