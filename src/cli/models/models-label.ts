import { labelOf } from '../../base/contract/model-ref.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { printJson } from '../output/print-json.ts';
import { whoAmI } from '../wiring/open-registry.ts';
import { type RegistryFlags, readRef, withRegistry } from './registry-place.ts';

export interface LabelFlags extends RegistryFlags {
  readonly reason: string;
  readonly by?: string;
  readonly evidence?: readonly string[];
  /** A version number, or `none`. */
  readonly expect?: string;
  readonly remove?: boolean;
}

/** `prescore models label NAME@LABEL VERSION`: a move, written down in the chain. Exit code 7 when somebody else was faster. */
export async function modelsLabel(target: string, to: string | undefined, flags: LabelFlags): Promise<number> {
  const ref = readRef(target);
  if (ref.by !== 'label')
    throw new PrescoreError('USAGE', { what: 'no label is named', expected: 'NAME@LABEL', got: target });
  if ((to === undefined) !== (flags.remove === true))
    throw new PrescoreError('USAGE', { what: 'give the version, or --remove', expected: 'NAME@LABEL VERSION' });
  const version = to === undefined ? null : readVersion(to);
  const { name, label } = ref;
  const move = { name, label, version, by: whoAmI(flags.by), reason: flags.reason, evidence: flags.evidence ?? [] };
  const expected =
    flags.expect === undefined ? {} : { expected: flags.expect === 'none' ? null : readVersion(flags.expect) };
  return withRegistry(flags, [], async (registry) => {
    const before = await registry.labels(name);
    const link = await registry.move({ ...move, ...expected });
    const isMoved = link.n !== before?.n;
    if (flags.json === true) printJson({ event: 'label', isMoved, ...link });
    else {
      const named = labelOf(before, label);
      const was = named === null ? '' : `, before it ${named}`;
      const said = version === null ? 'is taken away' : `names version ${version}`;
      process.stdout.write(`${name}@${label} ${said}${isMoved ? `${was} (move ${link.n})` : ' already'}\n`);
    }
    return 0;
  });
}

/** Errors: USAGE. */
function readVersion(text: string): number {
  const ref = readRef(`model/${text}`);
  if (ref.by === 'version') return ref.version;
  throw new PrescoreError('USAGE', { what: 'that is no version number', got: text });
}
