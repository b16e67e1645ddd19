import {
  DIGEST_FILE_BYTES,
  digestInText,
  FOLDER_DIGESTS,
  FOLDER_MODEL,
  FOLDER_NATIVE,
} from '../../base/contract/model-folder-names.ts';
import type { Location, ObjectInfo } from '../../base/contract/object-store.ts';
import { PrescoreError } from '../../base/errors/prescore-error.ts';
import { readSample } from '../../base/formats/file-sample.ts';
import { foreignModel } from '../../model/onnx/foreign-model.ts';

/** One `<name>/<version>/model.onnx` of a model folder, or a trainer's own `model.txt`, as a listing shows it. */
export interface FolderModel {
  readonly name: string;
  readonly version: string;
  readonly model: ObjectInfo;
  /** Bytes of other files of the version: weights, as a rule. */
  readonly besideBytes: number;
  /** The object that holds the sha256; null when there is none (yet). */
  readonly digest: ObjectInfo | null;
  /** Set when the version has no file of such a name, but one of another kind of model, which `model` then is. */
  readonly isForeign?: true;
}

const NAME = /^[A-Za-z0-9_][A-Za-z0-9._+-]{0,127}$/;
/** What tools name their models; a version that has one of these in place of a model.onnx is told, not passed over. */
const FOREIGN =
  /^(saved_model\.pb|MLmodel|.+\.(onnx|pkl|pickle|joblib|pt|pth|pt2|keras|h5|hdf5|tflite|cbm|ubj|safetensors|pmml)|model\.bin)$/;
const MOST_OBJECTS = 100_000;

/**
 * The models of a folder or prefix. Folders whose names are no model names or versions, and files elsewhere, are passed over.
 * A version whose only model is of another kind is there too, so that a request for it is told what to do.
 *
 * Errors: those of the store; STORE_CONFIG above 100,000 objects.
 */
export async function listModels(folder: Location): Promise<FolderModel[]> {
  const prefix = folder.key === '' || folder.key.endsWith('/') ? folder.key : `${folder.key}/`;
  const found = new Map<string, Found>();
  let seen = 0;
  for await (const object of folder.store.list(prefix)) {
    if (++seen > MOST_OBJECTS) {
      const what = `the model folder holds more than ${MOST_OBJECTS} objects`;
      throw new PrescoreError('STORE_CONFIG', { what, where: folder.uri, fix: 'Give models a folder of their own.' });
    }
    const parts = object.key.slice(prefix.length).split('/');
    const [name = '', version = '', file = ''] = parts;
    const rank = FOLDER_DIGESTS.findIndex((digest) => digest.test(file));
    const isModel = file === FOLDER_MODEL || FOLDER_NATIVE.test(file);
    const isForeign = !isModel && FOREIGN.test(file);
    if (parts.length < 3 || !NAME.test(name) || !NAME.test(version)) continue;
    const place = `${name}/${version}`;
    const entry = found.get(place) ?? { ...NOTHING };
    found.set(place, entry);
    if (parts.length > 3 || (!isModel && rank === -1)) entry.besideBytes += object.size;
    if (parts.length > 3 || (!isModel && rank === -1 && !isForeign)) continue;
    // An ONNX file comes first, whatever else lies beside it.
    if (file === FOLDER_MODEL || (isModel && entry.model === null)) entry.model = object;
    else if (isForeign) entry.foreign ??= object;
    else if (rank < entry.rank) {
      entry.digest = object;
      entry.rank = rank;
    }
  }
  return [...found].flatMap(([place, { model, foreign, digest, besideBytes }]): FolderModel[] => {
    const [name = '', version = ''] = place.split('/');
    if (model !== null) return [{ name, version, model, besideBytes, digest }];
    return foreign === null ? [] : [{ name, version, model: foreign, besideBytes: 0, digest, isForeign: true }];
  });
}

interface Found {
  model: ObjectInfo | null;
  foreign: ObjectInfo | null;
  digest: ObjectInfo | null;
  /** Of the digest's name in `FOLDER_DIGESTS`. */
  rank: number;
  besideBytes: number;
}

const NOTHING: Readonly<Found> = {
  model: null,
  foreign: null,
  digest: null,
  rank: FOLDER_DIGESTS.length,
  besideBytes: 0,
};

/**
 * Says why a version without a model.onnx cannot be served, by what its file is. Never returns.
 *
 * Errors: MODEL_INVALID; those of the store.
 */
export async function refuseForeign(folder: Location, { model }: FolderModel): Promise<never> {
  const where = folder.store.uriOf(model.key);
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    const into = new Uint8Array(length);
    await folder.store.readRange(model.key, { offset, length }, model.etag, into);
    return into;
  };
  const foreign = foreignModel(await readSample(read, model.size, where), where);
  const what = `the version has no ${FOLDER_MODEL}`;
  throw (
    foreign ??
    new PrescoreError('MODEL_INVALID', { what, where, expected: FOLDER_MODEL, fix: `Name the file ${FOLDER_MODEL}.` })
  );
}

/** Changes when the files of a version are replaced. */
export function tokenOf({ model, digest }: FolderModel): string {
  return `${model.etag} ${digest?.etag ?? '-'}`;
}

/**
 * The sha256 that a version's digest file gives: 64 hex digits, as `sha256sum` writes them or alone.
 *
 * Errors: MODEL_UNPINNED when there is none, MODEL_CHECKSUM when it is none; those of the store.
 */
export async function readDigest(folder: Location, { model, digest }: FolderModel): Promise<string> {
  const where = folder.store.uriOf(model.key);
  const fix = `Write its sha256 into ${model.key.split('/').at(-1)}.sha256 beside it, after the model: until then the version counts as unfinished.`;
  if (digest === null) throw new PrescoreError('MODEL_UNPINNED', { what: 'the model has no digest file', where, fix });
  const stored = await folder.store.get(digest.key, { maxBytes: DIGEST_FILE_BYTES });
  const sha256 = stored === null ? null : digestInText(Buffer.from(stored.bytes).toString('utf8'));
  if (sha256 !== null) return sha256;
  const expected = '64 hexadecimal digits';
  throw new PrescoreError('MODEL_CHECKSUM', { what: 'the digest file holds no sha256', where, expected, fix });
}
