import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { CPU_DEVICE, type GrantedDevice } from '../../base/contract/device.ts';
import { isPrescoreError } from '../../base/errors/prescore-error.ts';
import { packagesOf } from '../gpu/loaded-packages.ts';
import {
  type DeviceOptions,
  deviceName,
  type ExecutionDevice,
  isCpuNodeRefusal,
  isProviderFailure,
  loaderComplaint,
  NO_CPU_NODES,
  providerName,
  providersOf,
  unavailable,
} from './execution-device.ts';
import { gpuName, loadedGpuLibraries, nvidiaDriver } from './gpu-facts.ts';
import { isMemoryShort } from './memory-shortage.ts';
import { nodesByProvider } from './node-profile.ts';
import { runtimeText } from './runtime-text.ts';

/** What is needed of a session of the runtime. */
export interface DeviceSession {
  endProfiling(): void;
  release(): Promise<void>;
}

export interface Runtime<S extends DeviceSession> {
  create(options: DeviceOptions): Promise<S>;
  /** Scores one row of zeros. */
  tryOut(session: S): Promise<void>;
}

export interface OpenedSession<S> {
  readonly session: S;
  readonly granted: GrantedDevice;
}

/**
 * Opens a session on a device and makes sure that it runs there. ONNX Runtime gives every node that a provider has no kernel
 * for to the CPU without a word; so the session is first asked for with nodes on the CPU forbidden, and when that is refused
 * a trial of one row is profiled: at least one node must have run on the device.
 *
 * Errors: PROVIDER_UNAVAILABLE when the device is not there, runs no node of the model, or cannot run it; those of `create`
 * that are about the model pass as they are.
 */
export async function openOnDevice<S extends DeviceSession>(
  device: ExecutionDevice,
  runtime: Runtime<S>,
): Promise<OpenedSession<S>> {
  const executionProviders = providersOf(device);
  if (device.kind === 'cpu') return { session: await runtime.create({ executionProviders }), granted: CPU_DEVICE };
  try {
    const session = await runtime.create({ executionProviders, extra: NO_CPU_NODES });
    await provePossible(device, session, runtime);
    return { session, granted: grantedOn(device, null) };
  } catch (error) {
    if (!isCpuNodeRefusal(error)) throw asTold(device, error);
  }
  try {
    return await openShared(device, runtime);
  } catch (error) {
    throw asTold(device, error);
  }
}

// What is the device's fault is told as such; the rest is about the model.
function asTold(device: ExecutionDevice, error: unknown): unknown {
  if (isPrescoreError(error)) return error;
  if (isProviderFailure(error)) return unavailable(device, loaderComplaint(device, error) ?? runtimeText(error), error);
  if (isMemoryShort(error)) return unavailable(device, `memory is short: ${runtimeText(error).slice(0, 300)}`, error);
  return error;
}

// Some nodes run on the CPU: which ones, a profile tells.
async function openShared<S extends DeviceSession>(
  device: ExecutionDevice,
  runtime: Runtime<S>,
): Promise<OpenedSession<S>> {
  const folder = mkdtempSync(join(tmpdir(), 'prescore-profile-'));
  try {
    const session = await runtime.create({
      executionProviders: providersOf(device),
      enableProfiling: true,
      profileFilePrefix: join(folder, 'run'),
    });
    await provePossible(device, session, runtime);
    session.endProfiling();
    const text = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
    const nodes = nodesByProvider(text.join('\n'));
    if ((nodes[providerName(device)] ?? 0) === 0) {
      await session.release();
      const cpu = nodes['CPUExecutionProvider'] ?? 0;
      const why = `the provider has no kernel for any node of this model (${cpu} would run on the CPU)`;
      throw unavailable(device, cpu === 0 ? 'the model refuses a row of zeros, so nothing shows where it runs' : why);
    }
    return { session, granted: grantedOn(device, nodes) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// A device may take a model and fail to run it, such as float16 without hardware for it; every row would be rejected then.
async function provePossible<S extends DeviceSession>(
  device: ExecutionDevice,
  session: S,
  runtime: Runtime<S>,
): Promise<void> {
  try {
    await runtime.tryOut(session);
  } catch (error) {
    const cpu = await runtime.create({ executionProviders: ['cpu'] });
    const runsOnCpu = await runtime.tryOut(cpu).then(
      () => true,
      // The row of zeros is what the model refuses, wherever it runs.
      () => false,
    );
    await cpu.release();
    if (!runsOnCpu) return;
    await session.release();
    throw unavailable(device, `the model does not run on it: ${runtimeText(error).slice(0, 300)}`, error);
  }
}

function grantedOn(device: ExecutionDevice, nodes: GrantedDevice['nodes']): GrantedDevice {
  const loaded = loadedGpuLibraries();
  const libraries = loaded.map((path) => basename(path));
  const packages = packagesOf(loaded, process.env);
  const isCuda = device.kind === 'cuda';
  return {
    device: deviceName(device),
    hardware: gpuName(device, process.env),
    driver: isCuda ? nvidiaDriver(libraries) : null,
    libraries,
    ...(packages.length === 0 ? {} : { packages }),
    nodes,
    tf32: isCuda ? process.env['NVIDIA_TF32_OVERRIDE'] !== '0' : null,
  };
}
