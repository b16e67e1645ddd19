import { OLDEST_DRIVER } from './driver.ts';

/** What became of a session on a GPU: a model of one layer was opened there and scored a row. */
export interface SessionTrial {
  readonly isOpened: boolean;
  /** What was opened, or why nothing was, in words of ONNX Runtime; names the device. */
  readonly says: string;
}

/** What to do where a container has no GPU. */
export const GIVE_GPU = 'Give a container the GPU: docker run --gpus all, nvidia.com/gpu in Kubernetes.';

// Codes of CUDA's runtime (driver_types.h of CUDA 13), as ONNX Runtime hands them on: `CUDA failure 35: …`.
const FIXES: readonly (readonly [RegExp, string])[] = [
  [/\bfailure 2:|out of memory|memory is short/i, 'Other processes hold the memory of the GPU: nvidia-smi lists them.'],
  [/\bfailure 35:/, `Update the driver of the host to ${OLDEST_DRIVER} or newer.`],
  [/\bfailure 46:/, 'Another process has the GPU for itself: nvidia-smi lists it.'],
  [/\bfailure 10[01]:/, `${GIVE_GPU} CUDA_VISIBLE_DEVICES must leave it visible.`],
  [/\bfailure 209:/, 'The provider has no code for this GPU: it is too old for it.'],
  [/\bfailure 802:/, 'The GPUs are still being set up: on a machine with NVSwitch start nvidia-fabricmanager.'],
  [
    /\bfailure 803:/,
    'Library and kernel module of the driver differ: restart the container, or the host after an update.',
  ],
];

/** What to do about a session that was not opened. Pure. */
export function trialFix(says: string): string {
  const known = FIXES.find(([words]) => words.test(says));
  return known?.[1] ?? 'nvidia-smi and the kernel log of the host (dmesg) tell more.';
}
