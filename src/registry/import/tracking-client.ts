import { open, rm } from 'node:fs/promises';
import type { Location } from '../../base/contract/object-store.ts';
import { type ForeignFile, type ForeignFolder, MOST_FILES, storeFolder, tooMany } from './foreign-folder.ts';
import { asObject, type JsonObject, objectsOf, parseJson, textOf } from './json-values.ts';
import { plainPath } from './plain-path.ts';
import { refused, unavailable } from './refusals.ts';
import type { TrackingPlace } from './tracking-place.ts';
import { askTracking, takeBytes } from './tracking-request.ts';

const DEADLINE_MS = 30_000;
const MOST_JSON = 8 * 1024 * 1024;
const MOST_DEPTH = 8;
const ARTIFACTS = '/api/2.0/mlflow-artifacts/artifacts';

/** What a tracking server answers, by plain REST. */
export class TrackingClient {
  readonly place: TrackingPlace;
  private readonly signal: AbortSignal | undefined;

  constructor(place: TrackingPlace, signal?: AbortSignal) {
    this.place = place;
    this.signal = signal;
  }

  /** `GET /api/2.0/mlflow/<name>`. Errors: IMPORT_UNAVAILABLE, IMPORT_REFUSED. */
  get(name: string, query: Readonly<Record<string, string>>): Promise<JsonObject> {
    return this.json(`/api/2.0/mlflow/${name}?${new URLSearchParams(query)}`);
  }

  /** The same by POST, for what is asked with lists. */
  post(name: string, body: JsonObject): Promise<JsonObject> {
    return this.json(`/api/2.0/mlflow/${name}`, body);
  }

  /**
   * The folder that an artifact URI names: behind the server itself, or in a store that `at` opens. Errors: IMPORT_REFUSED for other places.
   */
  folder(uri: string, at: (uri: string) => Location): ForeignFolder {
    if (uri.startsWith('s3://')) return storeFolder(at(uri));
    const path = /^mlflow-artifacts:(?:\/\/[^/]*)?\/+(.+?)\/*$/.exec(uri)?.[1];
    if (path !== undefined) return new ArtifactFolder(this, plainPath(path, uri), this.place.base);
    const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1] ?? 'a folder of the server';
    const fix =
      'Run: mlflow artifacts download --artifact-uri models:/NAME/VERSION --dst-path DIR, then prescore models import DIR.';
    throw refused(`the model lies in a place that is not read by itself (${scheme})`, uri, fix);
  }

  async json(path: string, body?: JsonObject): Promise<JsonObject> {
    const request = { path, deadlineMs: DEADLINE_MS, ...(body === undefined ? {} : { body }) };
    const { base } = this.place;
    const bytes = await askTracking(this.place, request, takeBytes(MOST_JSON, 'an answer', base), this.signal);
    const found = asObject(parseJson(new TextDecoder().decode(bytes)));
    if (found !== null) return found;
    const fix = 'Look at the address: this is hardly the REST interface of MLflow.';
    throw unavailable('it answers with something else than JSON', base, undefined, fix);
  }

  bytes(path: string, maxBytes: number): Promise<Uint8Array> {
    const request = { path, deadlineMs: DEADLINE_MS };
    return askTracking(this.place, request, takeBytes(maxBytes, path, this.place.base), this.signal);
  }

  async save(path: string, target: string, bytes: number): Promise<void> {
    const { base } = this.place;
    await askTracking(
      this.place,
      { path, deadlineMs: null },
      async (answer) => {
        // An earlier try may have left a part of it.
        await rm(target, { force: true });
        const file = await open(target, 'wx');
        let size = 0;
        try {
          for await (const part of answer.body ?? []) {
            size += part.length;
            if (size > bytes) break;
            await file.write(part);
          }
        } finally {
          await file.close();
        }
        if (size !== bytes) throw unavailable('a file is not as long as the server lists it', base);
      },
      this.signal,
    );
  }
}

class ArtifactFolder implements ForeignFolder {
  readonly where: string;
  private readonly client: TrackingClient;
  private readonly root: string;
  private listed: Promise<readonly ForeignFile[]> | null = null;

  constructor(client: TrackingClient, root: string, base: string) {
    this.client = client;
    this.root = root;
    this.where = `${base} (mlflow-artifacts:/${root})`;
  }

  list(): Promise<readonly ForeignFile[]> {
    this.listed ??= this.walk();
    return this.listed;
  }

  async read(path: string, maxBytes: number): Promise<Uint8Array | null> {
    const found = await this.find(path);
    return found === null ? null : this.client.bytes(this.pathOf(path), Math.min(maxBytes, found.bytes));
  }

  async copy(path: string, target: string): Promise<void> {
    const found = await this.find(path);
    if (found === null) throw refused(`a file that belongs to the model is not there: ${path}`, this.where);
    await this.client.save(this.pathOf(path), target, found.bytes);
  }

  private async find(path: string): Promise<ForeignFile | null> {
    return (await this.list()).find((file) => file.path === path) ?? null;
  }

  private pathOf(path: string): string {
    return `${ARTIFACTS}/${`${this.root}/${path}`.split('/').map(encodeURIComponent).join('/')}`;
  }

  private async walk(): Promise<readonly ForeignFile[]> {
    const found: ForeignFile[] = [];
    const folders = [{ path: '', depth: 0 }];
    for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
      const { path: above, depth } = folder;
      const query = new URLSearchParams({ path: above === '' ? this.root : `${this.root}/${above}` });
      const { files } = await this.client.json(`${ARTIFACTS}?${query}`);
      for (const file of objectsOf(files)) {
        const name = plainPath(textOf(file['path']) ?? '', this.where);
        const path = above === '' ? name : `${above}/${name}`;
        if (found.length + folders.length >= MOST_FILES || depth > MOST_DEPTH) throw tooMany(this.where);
        if (file['is_dir'] === true) folders.push({ path, depth: depth + 1 });
        else found.push({ path, bytes: sizeOf(file['file_size'], this.where) });
      }
    }
    return found;
  }
}

// Protobuf writes 64-bit numbers as texts.
function sizeOf(value: unknown, where: string): number {
  const size = Number(value ?? 0);
  if (Number.isSafeInteger(size) && size >= 0) return size;
  throw unavailable('a size in the listing is no number', where);
}
