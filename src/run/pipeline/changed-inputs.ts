import type { StoreResolver } from '../../base/contract/object-store.ts';
import type { Plan } from '../../base/contract/plan.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** Each is a round trip, of up to 100,000 files. */
const IN_FLIGHT = 64;

/**
 * Checks that every planned input is still the pinned one.
 *
 * Errors: INPUT_CHANGED, INPUT_GONE, naming the first file and how many there are.
 */
export async function changedInputs(plan: Plan, stores: StoreResolver): Promise<void> {
  const changed: string[] = [];
  const gone: string[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < plan.files.length) {
      const file = plan.files[next++]!;
      const { store, key } = stores.at(file.uri);
      const info = await store.head(key);
      if (info === null) gone.push(file.uri);
      else if (info.etag !== file.etag || info.size !== file.size) changed.push(file.uri);
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, plan.files.length) }, lane));
  if (gone.length > 0)
    throw new PrescoreError('INPUT_GONE', {
      what: `${gone.length} planned input files are gone`,
      where: gone.sort()[0]!,
    });
  if (changed.length > 0)
    throw new PrescoreError('INPUT_CHANGED', {
      what: `${changed.length} planned input files changed`,
      where: changed.sort()[0]!,
    });
}
