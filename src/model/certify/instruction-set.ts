import { readFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';

/** Flags by which ONNX Runtime and its libraries choose kernels. */
const FLAGS =
  'sse4_1 avx f16c fma avx2 avx_vnni avx512f avx512vl avx512bw avx512_vnni avx512_bf16 amx_tile amx_int8 amx_bf16 asimd asimddp asimdhp i8mm bf16 sve sve2 sme'.split(
    ' ',
  );

let known: string | null = null;

/**
 * The instruction set of this machine, as far as kernels are chosen by it: two machines of one text round alike. On Linux the flags of the CPU;
 * elsewhere, where nobody tells them, its model. Errors: none.
 */
export function instructionSet(): string {
  known ??= readSet();
  return known;
}

function readSet(): string {
  let text = '';
  try {
    text = readFileSync('/proc/cpuinfo', 'latin1');
  } catch {
    // No Linux.
  }
  const has = new Set((/^(?:flags|Features)\s*:\s*(.*)$/m.exec(text)?.[1] ?? '').split(' '));
  const found = FLAGS.filter((flag) => has.has(flag));
  const vendor = /^vendor_id\s*:\s*(\S+)/m.exec(text)?.[1];
  if (found.length === 0) return [arch(), cpus()[0]?.model.trim() ?? 'unknown'].join(' ');
  return [arch(), ...(vendor === undefined ? [] : [vendor]), ...found].join(' ');
}
