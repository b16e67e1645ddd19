import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** Says what is wrong at which place of a model file; never returns. */
export type RefuseModel = (what: string, place: string, more?: RefusalDetails) => never;

export interface RefusalDetails {
  readonly expected?: string;
  readonly got?: string;
  readonly fix?: string;
}

/** Refusals of one file. `where` names it, `what` is a sentence, `place` a line, a path of keys or an offset. */
export function refusalsOf(where: string): RefuseModel {
  return (what, place, more = {}) => {
    throw new PrescoreError('MODEL_INVALID', {
      what,
      where: place === '' ? where : `${where}, ${place}`,
      fix: 'Save the model again with the library that trained it.',
      ...more,
    });
  };
}
