import { DRIVER_LIBRARY, type DriverFacts, OLDEST_DRIVER } from './driver.ts';
import type { NeededLibrary } from './find-libraries.ts';
import { CUDA_MAJOR } from './gpu-home.ts';
import { siteOf } from './loaded-packages.ts';
import type { OrtPlace } from './ort-place.ts';
import type { ProviderState } from './provider-state.ts';
import type { RuntimeRecord } from './runtime-record.ts';
import { GIVE_GPU, type SessionTrial, trialFix } from './session-trial.ts';
import type { LoadAttempt } from './try-load.ts';

/** Something that is not as it should be. */
export interface Obstacle {
  readonly what: string;
  /** What to do about it. */
  readonly fix: string;
  /** False for what some models can do without. */
  readonly isInTheWay: boolean;
}

/** What was found of all that scoring on a GPU needs. */
export interface GpuFacts {
  readonly onnxruntime: OrtPlace;
  readonly provider: ProviderState;
  /** Folders that scorer children get in front of LD_LIBRARY_PATH. */
  readonly loaderPath: readonly string[];
  readonly runtime: RuntimeRecord | null;
  /** What the provider needs to be loaded; empty while it is not there. */
  readonly libraries: readonly NeededLibrary[];
  readonly onDemand: readonly { readonly name: string; readonly path: string | null }[];
  /** What the loader says; null while the provider is not there. */
  readonly load: LoadAttempt | null;
  /** What became of a session on each GPU; empty where not everything could be loaded. */
  readonly trials: readonly SessionTrial[];
  readonly driver: DriverFacts;
  /** Folders of CUDA 13 in a Python installation, looked for when a library is missing. */
  readonly pythonFolders: readonly string[];
}

const INSTALL = 'prescore gpu install';

/**
 * What stands in the way of scoring on a GPU, in the order in which to mend it; empty when nothing does. Where a session was opened on one
 * nothing is in the way, whatever the files and the host look like: the rest is worth knowing. Pure.
 */
export function whyNot(facts: GpuFacts): readonly Obstacle[] {
  const files = [...ofProvider(facts), ...ofLibraries(facts)];
  if (facts.trials.some((trial) => trial.isOpened))
    return [...files, ...ofTrials(facts)].map((one) => ({ ...one, isInTheWay: false }));
  const host = [...ofDriver(facts), ...ofLoader(facts)];
  return [...files, ...(host.length > 0 ? host : ofTrials(facts))];
}

function ofProvider({ provider, onnxruntime }: GpuFacts): Obstacle[] {
  const inState = (state: string): string => list(provider.files.filter((f) => f.state === state).map((f) => f.name));
  const missing = inState('missing');
  const changed = inState('changed');
  if (missing !== '')
    return provider.version === null
      ? [obstacle('The CUDA provider is not installed.', INSTALL)]
      : [obstacle(`The installation is not complete: ${missing} missing.`, `${INSTALL} again`)];
  if (changed !== '') return [obstacle(`Changed since prescore installed it: ${changed}.`, `${INSTALL} --replace`)];
  if (provider.version !== null && provider.version !== onnxruntime.version)
    return [
      obstacle(
        `The provider is of version ${provider.version}, onnxruntime-node of ${onnxruntime.version}.`,
        `${INSTALL} again`,
      ),
    ];
  return [];
}

function ofLibraries({ libraries, onDemand, pythonFolders, runtime, loaderPath }: GpuFacts): Obstacle[] {
  const found: Obstacle[] = [];
  const gone = (runtime?.folders ?? []).filter((folder) => !loaderPath.includes(folder));
  if (gone.length > 0)
    found.push(obstacle(`Recorded folders of libraries are gone: ${list(gone)}.`, `${INSTALL} --runtime again`));
  const [folder] = pythonFolders;
  const fix =
    folder === undefined
      ? `${INSTALL} --runtime, or --runtime-from a folder that has them`
      : `Use those of the Python installation: ${INSTALL} --runtime-from ${siteOf(folder) ?? folder}`;
  const missing = libraries.filter((l) => l.path === null && l.name !== DRIVER_LIBRARY).map((l) => l.name);
  if (missing.length > 0) found.push(obstacle(`Libraries of CUDA ${CUDA_MAJOR} are missing: ${list(missing)}.`, fix));
  const later = onDemand.filter((l) => l.path === null).map((l) => l.name);
  if (later.length > 0)
    found.push({ what: `Missing for models that need them: ${list(later)}.`, fix, isInTheWay: false });
  return found;
}

function ofDriver({ driver, libraries }: GpuFacts): Obstacle[] {
  const devices = driver.nodes.filter((node) => /(?:nvidia\d+|dxg)$/.test(node));
  if (driver.version === null && devices.length === 0)
    return [obstacle('There is no NVIDIA driver and no GPU here.', `Install the driver. ${GIVE_GPU}`)];
  const found: Obstacle[] = [];
  if (devices.length === 0) found.push(obstacle('There is a driver, but no device node of a GPU.', GIVE_GPU));
  if (driver.denied.length > 0)
    found.push(
      obstacle(
        `This user may not use ${list(driver.denied)}.`,
        'Add the user to the group that owns the device nodes.',
      ),
    );
  if (driver.version !== null && Number.parseInt(driver.version, 10) < OLDEST_DRIVER)
    found.push(
      obstacle(
        `The driver is ${driver.version}; CUDA ${CUDA_MAJOR} needs ${OLDEST_DRIVER} or newer.`,
        'Update the driver of the host.',
      ),
    );
  if (libraries.some((l) => l.name === DRIVER_LIBRARY && l.path === null))
    found.push(
      obstacle(
        `${DRIVER_LIBRARY} is missing: it comes with the driver.`,
        'In a container let NVIDIA_DRIVER_CAPABILITIES hold compute.',
      ),
    );
  return found;
}

// Told on its own only when all that it needs was found, so that the same thing is not said twice.
function ofLoader({ load, libraries }: GpuFacts): Obstacle[] {
  if (load === null || load.isLoaded || libraries.some((l) => l.path === null)) return [];
  return [obstacle(`The loader refuses the provider: ${load.says}`, 'Install libraries of one CUDA release only.')];
}

function ofTrials({ trials }: GpuFacts): Obstacle[] {
  const refused = trials.filter((trial) => !trial.isOpened);
  return refused.map(({ says }) => obstacle(says, trialFix(says)));
}

function list(names: readonly string[]): string {
  return names.join(', ');
}

function obstacle(what: string, fix: string): Obstacle {
  return { what, fix, isInTheWay: true };
}
