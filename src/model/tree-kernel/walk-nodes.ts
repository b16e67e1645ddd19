import { type Ensemble, RULE } from '../trees/ensemble.ts';
import { ByteWriter, type MemoryPlan } from './memory-plan.ts';
import { FLAG, NODE, type WalkRules } from './walk-code.ts';

/** Puts category sets, and nodes of each tree in the order in which a walk to the left meets them; answers with the addresses of the roots. */
export function putNodes(plan: MemoryPlan, ensemble: Ensemble): number[] {
  const { nodes, values, categories } = ensemble;
  const sets = plan.put(new Uint8Array(categories.words.slice().buffer));
  const at = plan.next;
  const records = new ByteWriter();
  const roots: number[] = [];
  const patches: { record: number; child: number }[] = [];
  for (const root of ensemble.roots) {
    roots.push(at + records.length);
    patches.push({ record: -1, child: root });
    for (let top = patches.pop(); top !== undefined; top = patches.pop()) {
      let { child } = top;
      if (top.record >= 0) records.patchI32(top.record + NODE[values].right, at + records.length);
      while (child >= 0) {
        patches.push({ record: records.length, child: nodes.right[child]! });
        writeNode(records, ensemble, child, sets);
        child = nodes.left[child]!;
      }
      writeLeaf(records, values, at + records.length, ~child);
    }
  }
  plan.put(records.bytes());
  return roots;
}

/** A leaf at an address, by its number: no value leaves it. */
export function writeLeaf(records: ByteWriter, values: Ensemble['values'], at: number, leaf: number): void {
  records.float(Number.NaN, values).i32(0).i32(at).i32(leaf).align(NODE[values].size);
}

/** The rules that nodes of an ensemble have. */
export function walkRules({ nodes }: Ensemble): WalkRules {
  const rules = new Set(nodes.rule);
  const has = (...some: number[]): boolean => some.some((rule) => rules.has(rule));
  return {
    missingLeft: has(RULE.nanLeft, RULE.zeroLeft, RULE.categoryElseLeft, RULE.categoryElseLeftNanRight),
    zeros: has(RULE.nanAsZero, RULE.zeroLeft, RULE.zeroRight),
    categories: has(RULE.category, RULE.categoryElseLeft, RULE.categoryElseLeftNanRight),
  };
}

function writeNode(records: ByteWriter, ensemble: Ensemble, node: number, sets: number): void {
  const { nodes, values, categories } = ensemble;
  const valueBytes = values === 'float32' ? 4 : 8;
  const rule = nodes.rule[node]!;
  const threshold = nodes.threshold[node]!;
  const isSet = rule >= RULE.category;
  const first = isSet ? categories.first[threshold]! : 0;
  if (isSet) records.i32(sets + 4 * first).align(valueBytes);
  else records.float(threshold, values);
  records.i32(((nodes.feature[node]! * valueBytes) << FLAG.bits) | FLAGS[rule]!);
  records
    .i32(0)
    .i32(isSet ? 32 * (categories.first[threshold + 1]! - first) : 0)
    .align(NODE[values].size);
}

const FLAGS: Readonly<Record<number, number>> = {
  [RULE.nanLeft]: FLAG.left,
  [RULE.nanRight]: 0,
  [RULE.nanAsZero]: FLAG.asZero,
  [RULE.zeroLeft]: FLAG.zero | FLAG.left,
  [RULE.zeroRight]: FLAG.zero,
  [RULE.category]: FLAG.category,
  [RULE.categoryElseLeft]: FLAG.category | FLAG.left | FLAG.asZero,
  [RULE.categoryElseLeftNanRight]: FLAG.category | FLAG.left | FLAG.asZero | FLAG.zero,
};
