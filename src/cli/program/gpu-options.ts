import type { Command } from 'commander';

/** Adds `gpu install`, `gpu status` and `gpu remove`; the commands are loaded when they are used. */
export function addGpu(program: Command, done: (code: number) => void): void {
  const gpu = program.command('gpu').description('install, look at and remove what scoring on an NVIDIA GPU needs');
  gpu
    .command('install')
    .description('put the CUDA provider beside ONNX Runtime, and libraries of CUDA on the loader path of scorers')
    .option('--from <path>', 'wheel of onnxruntime-gpu, or a folder with it; whole or in parts; nothing is downloaded')
    .option('--sha256 <hex>', 'what the wheel of --from must be')
    .option('--runtime', 'also download the libraries of CUDA 13 and cuDNN into a folder of this user')
    .option('--runtime-from <path>', 'use those of a Python installation or folder, or unpack wheels that lie there')
    .option('--replace', 'keep aside a library of the same name that something else put there')
    .option('--python <path>', 'the Python whose pip is asked')
    .option('--binding <folder>', 'folder of the binding, instead of the one that scorers load')
    .option('--dry-run', 'say what would be done and how large it is; download and change nothing')
    .option('--json', 'print one JSON object per step')
    .action(async (flags) => done(await (await import('../commands/gpu-install-command.ts')).gpuInstallCommand(flags)));
  gpu
    .command('status')
    .description('what is there, what is missing, and why; exit code 5 when a GPU cannot be used')
    .option('--binding <folder>', 'folder of the binding, instead of the one that scorers load')
    .option('--json', 'print one JSON object')
    .action(async (flags) => done(await (await import('../commands/gpu-status-command.ts')).gpuStatusCommand(flags)));
  gpu
    .command('remove')
    .description('undo what gpu install did beside the binding')
    .option('--runtime', 'also remove or forget the libraries of CUDA of this user')
    .option('--binding <folder>', 'folder of the binding, instead of the one that scorers load')
    .option('--json', 'print one JSON object')
    .action(async (flags) => done(await (await import('../commands/gpu-remove-command.ts')).gpuRemoveCommand(flags)));
}
