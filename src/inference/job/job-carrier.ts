import type { RejectRule } from '../../base/contract/binding.ts';

/** What a column's carrier takes: numbers, 64-bit integers beyond 2^53 as BigInt, texts. */
export type CarrierValue = number | bigint | string;

/** Why a value of a request cannot be one of its column. It never says the value itself. */
export interface BadValue {
  readonly rule: RejectRule | 'bad_feature';
  readonly message: string;
}

export function bad(message: string, rule: BadValue['rule'] = 'bad_feature'): BadValue {
  return { rule, message };
}
