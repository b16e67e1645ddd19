import { delimiter, join } from 'node:path';
import { DRIVER_LIBRARY, readDriver } from './driver.ts';
import { loaderPlaces, locateByName, walkLibraries } from './find-libraries.ts';
import { gpuHome } from './gpu-home.ts';
import { gpuLoaderPath, scorerLibraryPath } from './loader-path.ts';
import { bindingFolder, findOrtPlace } from './ort-place.ts';
import { PROVIDER_FILES } from './provider-source.ts';
import { readProviderState } from './provider-state.ts';
import { cudaFoldersOf, findPython } from './python-runtime.ts';
import { readRuntimeRecord } from './runtime-record.ts';
import type { SessionTrial } from './session-trial.ts';
import { tryLoad } from './try-load.ts';
import { type GpuFacts, type Obstacle, whyNot } from './why-not.ts';

/** Libraries that the provider asks for by name while it works, so that nothing is missing until a model needs one. */
const ON_DEMAND = ['libcudnn.so.9', 'libcufft.so.12', 'libnvrtc.so.13'];

/** All that `prescore gpu status` tells. */
export interface GpuStatus extends GpuFacts {
  /** True when nothing stands in the way of `execution.device: cuda`. */
  readonly isUsable: boolean;
  /** Where libraries of this user are kept; null without HOME. */
  readonly home: string | null;
  /** What stands in the way, with what to do, in the order in which to do it. */
  readonly obstacles: readonly Obstacle[];
}

/**
 * Looks at everything that scoring on a GPU needs: the provider beside the binding (its digests read whole, a quarter of a gigabyte), the libraries that
 * it needs on the loader path of a scorer child, the loader's own word, driver and device nodes. Where all libraries load, `trySessions`
 * tells the rest: it opens a session on each GPU, as a run would. Changes nothing.
 *
 * Errors: GPU_UNSUPPORTED, GPU_PLACE.
 */
export async function gpuStatus(
  env: NodeJS.ProcessEnv,
  trySessions: () => Promise<readonly SessionTrial[]>,
  binding?: string,
): Promise<GpuStatus> {
  const onnxruntime = findOrtPlace(binding);
  const provider = await readProviderState(onnxruntime.folder);
  const loaderPath = gpuLoaderPath(env);
  const libraryPath = scorerLibraryPath(env)
    .split(delimiter)
    .filter((folder) => folder !== '');
  const places = loaderPlaces(libraryPath);
  const roots = PROVIDER_FILES.map((name) => join(onnxruntime.folder, name));
  const isThere = provider.files.every((file) => file.state !== 'missing');
  const libraries = isThere ? walkLibraries(roots, places) : [];
  const load = isThere ? await tryLoad(onnxruntime.folder, libraryPath) : null;
  const onDemand = ON_DEMAND.map((name) => ({ name, path: locateByName(name, places) }));
  const isShort = [...libraries, ...onDemand].some((library) => library.path === null);
  const driver = readDriver(libraries.find((library) => library.name === DRIVER_LIBRARY)?.path ?? null);
  const isLoadable = load?.isLoaded === true && libraries.every((library) => library.path !== null);
  // Scorers load their own binding and no other.
  const isOwn = onnxruntime.folder === bindingFolder();
  const facts = {
    onnxruntime,
    provider,
    loaderPath,
    runtime: readRuntimeRecord(env),
    home: gpuHome(env),
    libraries,
    onDemand,
    load,
    trials: isLoadable && isOwn ? await trySessions() : [],
    driver,
    // Asking a Python costs a tenth of a second, and helps only where there is something to be mended.
    pythonFolders: isShort && (isThere || driver.version !== null) ? cudaFoldersOf(findPython(env)) : [],
  };
  const obstacles = whyNot(facts);
  return { isUsable: obstacles.every((one) => !one.isInTheWay), ...facts, obstacles };
}
