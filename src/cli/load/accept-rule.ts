import { PrescoreError } from '../../base/errors/prescore-error.ts';

/** What `--accept` can ask of a changed model. */
export const ACCEPT_NAMES = ['flips', 'max', 'mean', 'p99', 'auc_drop', 'speedup'] as const;
export type AcceptName = (typeof ACCEPT_NAMES)[number];

/** One condition: a figure of the report, and what it must be. */
export interface AcceptRule {
  /** As it was written. */
  readonly text: string;
  readonly name: AcceptName;
  readonly sign: '<' | '<=' | '>' | '>=';
  readonly limit: number;
}

const RULE = /^([a-z_0-9]+)\s*(<=|>=|<|>)\s*([0-9]*\.?[0-9]+(?:e-?[0-9]+)?)\s*(%?)$/i;

/** Conditions between commas, such as `flips<0.5%, speedup>=1.2`; all must hold. Errors: USAGE. */
export function parseAccept(text: string): AcceptRule[] {
  return text.split(',').map((part) => {
    const trimmed = part.trim();
    const [, word = '', sign = '', number = '', percent = ''] = RULE.exec(trimmed) ?? [];
    const name = ACCEPT_NAMES.find((one) => one === word);
    if (name === undefined) throw refused(text, `${JSON.stringify(trimmed)} is no condition`);
    if (percent !== '' && name !== 'flips' && name !== 'auc_drop')
      throw refused(text, `${name} is no share: leave the % away`);
    // More speed and smaller differences: the other way round would accept what is worse.
    if (sign.startsWith('<') === (name === 'speedup'))
      throw refused(text, `${name} is asked to be ${name === 'speedup' ? 'small' : 'large'}`);
    const limit = Number(number) / (percent === '' ? 1 : 100);
    return { text: trimmed, name, sign: sign as AcceptRule['sign'], limit };
  });
}

function refused(got: string, what: string): PrescoreError {
  const expected = `conditions between commas, each NAME<NUMBER or speedup>NUMBER; names: ${ACCEPT_NAMES.join(', ')}`;
  const fix = 'Such as --accept "flips<0.5%,p99<0.01,speedup>1.2".';
  return new PrescoreError('USAGE', { what: `--accept: ${what}`, expected, got, fix });
}

/** Whether a figure is as a condition wants it; one that is not known or not finite never is. */
export function isMet({ sign, limit }: AcceptRule, figure: number | null): boolean {
  if (figure === null || !Number.isFinite(figure)) return false;
  if (sign === '<') return figure < limit;
  if (sign === '<=') return figure <= limit;
  return sign === '>' ? figure > limit : figure >= limit;
}
