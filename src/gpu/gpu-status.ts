import { delimiter, join } from 'node:path';
import { type DriverFacts, readDriver } from './driver.ts';
import { loaderPlaces, locateByName, type NeededLibrary, walkLibraries } from './find-libraries.ts';
import { gpuHome } from './gpu-home.ts';
import { gpuLoaderPath } from './loader-path.ts';
import { findOrtPlace, type OrtPlace } from './ort-place.ts';
import { PROVIDER_FILES } from './provider-source.ts';
import { type ProviderState, readProviderState } from './provider-state.ts';
import { cudaFoldersOf } from './python-runtime.ts';
import { type RuntimeRecord, readRuntimeRecord } from './runtime.ts';
import { type LoadAttempt, tryLoad } from './try-load.ts';
import { type Obstacle, whyNot } from './why-not.ts';

/** Libraries that the provider asks for by name while it works, so that nothing is missing until a model needs one. */
const ON_DEMAND = ['libcudnn.so.9', 'libcufft.so.12', 'libnvrtc.so.13'];

/** All that `prescore gpu status` tells. */
export interface GpuStatus {
  /** True when nothing stands in the way of `execution.device: cuda`; whether it scores, only a run shows. */
  readonly isUsable: boolean;
  readonly onnxruntime: OrtPlace;
  readonly provider: ProviderState;
  /** Folders that scorer children get in front of LD_LIBRARY_PATH. */
  readonly loaderPath: readonly string[];
  readonly runtime: RuntimeRecord | null;
  /** Where libraries of this user are kept; null without HOME. */
  readonly home: string | null;
  /** What the provider needs to be loaded; empty while it is not there. */
  readonly libraries: readonly NeededLibrary[];
  readonly onDemand: readonly { readonly name: string; readonly path: string | null }[];
  /** What the loader says; null while the provider is not there. */
  readonly load: LoadAttempt | null;
  readonly driver: DriverFacts;
  /** Folders of CUDA 13 in a Python installation, looked for when a library is missing. */
  readonly pythonFolders: readonly string[];
  /** What stands in the way, with what to do, in the order in which to do it. */
  readonly obstacles: readonly Obstacle[];
}

/**
 * Looks at everything that scoring on a GPU needs: the provider beside the binding (its digests read whole, a quarter of a gigabyte), the libraries that
 * it needs on the loader path of a scorer child, the loader's own word, driver and device nodes. Changes nothing.
 *
 * Errors: GPU_UNSUPPORTED, GPU_PLACE.
 */
export async function gpuStatus(env: NodeJS.ProcessEnv, binding?: string): Promise<GpuStatus> {
  const onnxruntime = findOrtPlace(binding);
  const provider = await readProviderState(onnxruntime.folder);
  const loaderPath = gpuLoaderPath(env);
  const libraryPath = [...loaderPath, ...(env['LD_LIBRARY_PATH'] ?? '').split(delimiter).filter((f) => f !== '')];
  const places = loaderPlaces(libraryPath);
  const roots = PROVIDER_FILES.map((name) => join(onnxruntime.folder, name));
  const isThere = provider.files.every((file) => file.state !== 'missing');
  const libraries = isThere ? walkLibraries(roots, places) : [];
  const load = isThere ? await tryLoad(onnxruntime.folder, libraryPath) : null;
  const onDemand = ON_DEMAND.map((name) => ({ name, path: locateByName(name, places) }));
  const isShort = [...libraries, ...onDemand].some((library) => library.path === null);
  const driver = readDriver();
  const facts = {
    onnxruntime,
    provider,
    loaderPath,
    runtime: readRuntimeRecord(env),
    home: gpuHome(env),
    libraries,
    onDemand,
    load,
    driver,
    // Asking a Python costs a tenth of a second, and helps only where there is something to be mended.
    pythonFolders: isShort && (isThere || driver.version !== null) ? cudaFoldersOf(env) : [],
  };
  const obstacles = whyNot(facts);
  return { isUsable: obstacles.every((one) => !one.isInTheWay), ...facts, obstacles };
}
