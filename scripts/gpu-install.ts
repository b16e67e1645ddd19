/* `node scripts/gpu-install.ts [flags]`: prescore gpu install, from a checkout. */
import { runProgram } from '../src/cli/program/program.ts';

process.exitCode = await runProgram(['gpu', 'install', ...process.argv.slice(2)]);
