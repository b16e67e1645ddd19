/**
 * Where a session really runs, as far as the runtime lets that be seen: kept in chunk records and in the manifest beside what
 * the job asked for. Two runs with unequal ones may differ in the last bits.
 */
export interface GrantedDevice {
  /** `cpu`, `cuda:0`, `webgpu`. */
  readonly device: string;
  /** Name of the GPU, where the system tells it. */
  readonly hardware: string | null;
  /** Version of the GPU driver. */
  readonly driver: string | null;
  /** Files of the provider and its libraries that the process has loaded, with the versions that their names carry. */
  readonly libraries: readonly string[];
  /** NVIDIA's packages that CUDA's libraries came from, `nvidia-cublas 13.10.0.20`; absent where they came from none. */
  readonly packages?: readonly string[];
  /**
   * Execution provider -> nodes of the model that it ran, counted in a trial; null when every node runs on the device.
   * Nodes that the provider has no kernel for run on the CPU.
   */
  readonly nodes: Readonly<Record<string, number>> | null;
  /** Whether matrix products may use TF32; null where that does not exist. */
  readonly tf32: boolean | null;
}

/** `device` of a manifest. */
export interface RunDevices {
  /** `execution.device` of the job. */
  readonly asked: string;
  /** What its chunks were scored on: more than one entry when machines differ. */
  readonly granted: readonly GrantedDevice[];
}

export const CPU_DEVICE: GrantedDevice = {
  device: 'cpu',
  hardware: null,
  driver: null,
  libraries: [],
  nodes: null,
  tf32: null,
};

/** The different devices of some chunks, in a fixed order; chunks that name none ran on the CPU. */
export function grantedDevices(
  chunks: readonly { readonly device?: GrantedDevice | undefined }[],
): readonly GrantedDevice[] {
  const found = new Map<string, GrantedDevice>();
  for (const { device = CPU_DEVICE } of chunks) found.set(JSON.stringify(device), device);
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, device]) => device);
}
