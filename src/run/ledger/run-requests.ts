import type {
  Publication,
  PublicationEnd,
  RunEnd,
  RunRequest,
  TaskFailure,
  TaskKind,
} from '../../base/contract/queue-records.ts';
import type { RecordStore } from './record-store.ts';

/** A request with what became of it; live while it has no end. */
export interface RequestState {
  readonly request: RunRequest;
  readonly end: RunEnd | null;
}

/** A name below `<state>/queue/active/`: a request, or a publication, that has no end yet as far as anybody noticed. */
export type ActiveMark =
  | { readonly kind: 'run'; readonly runId: string; readonly k: number }
  | { readonly kind: 'publication'; readonly id: string };

/**
 * What is asked of workers, and what became of it, below one state. Everything is created by put-if-absent; the marks in
 * `queue/active/` are the one listing, and only say where to look.
 */
export class RunRequests {
  readonly records: RecordStore;

  constructor(records: RecordStore) {
    this.records = records;
  }

  /** The request that holds for a run: the highest k. Null when nobody asked workers for it. */
  async newest(runId: string, fromK = 1): Promise<RequestState | null> {
    let request: RunRequest | null = null;
    for (let k = fromK; ; k++) {
      const next = await this.request(runId, k);
      if (next === null) break;
      request = next;
    }
    if (request === null) return null;
    return { request, end: await this.end(runId, request.k) };
  }

  request(runId: string, k: number): Promise<RunRequest | null> {
    return this.records.read<RunRequest>(`runs/${runId}/request.${k}.json`);
  }

  end(runId: string, k: number): Promise<RunEnd | null> {
    return this.records.read<RunEnd>(`runs/${runId}/end.${k}.json`);
  }

  /** Asks for a run; false when request k is there already. The mark comes first, so that no request is without one. */
  async create(request: RunRequest): Promise<boolean> {
    const { runId, k } = request;
    await this.records.replace(markPath({ kind: 'run', runId, k }), { format: 1 });
    return this.records.create(`runs/${runId}/request.${k}.json`, request);
  }

  /** Ends a request; gives what holds, which may be another's word. Repeat: safe. */
  async finish(end: RunEnd): Promise<RunEnd> {
    const { runId, k } = end;
    const isOurs = await this.records.create(`runs/${runId}/end.${k}.json`, end);
    await this.unmark({ kind: 'run', runId, k });
    return isOurs ? end : ((await this.end(runId, k)) ?? end);
  }

  /** Notes that a try of a task failed; gives which try it was, from 1. */
  async noteFailure(runId: string, k: number, failure: Omit<TaskFailure, 'format' | 'i'>): Promise<number> {
    for (let i = 1; ; i++) {
      const path = `${failureFolder(runId, k)}/${failure.kind}-${failure.n}.${i}.json`;
      if (await this.records.create(path, { format: 1, i, ...failure })) return i;
    }
  }

  /** Failures of all requests for a run, oldest first. */
  async failures(runId: string): Promise<TaskFailure[]> {
    const found: TaskFailure[] = [];
    for await (const { name } of this.records.names(`runs/${runId}/failures`)) {
      const failure = await this.records.read<TaskFailure>(`runs/${runId}/failures/${name}`);
      if (failure !== null) found.push(failure);
    }
    return found.sort((a, b) => (a.at < b.at ? -1 : 1));
  }

  async createPublication(publication: Publication): Promise<void> {
    await this.records.replace(markPath({ kind: 'publication', id: publication.id }), { format: 1 });
    await this.records.create(`${publicationFolder(publication.id)}/request.json`, publication);
  }

  publication(id: string): Promise<Publication | null> {
    return this.records.read<Publication>(`${publicationFolder(id)}/request.json`);
  }

  publicationEnd(id: string): Promise<PublicationEnd | null> {
    return this.records.read<PublicationEnd>(`${publicationFolder(id)}/end.json`);
  }

  async finishPublication(id: string, end: PublicationEnd): Promise<void> {
    await this.records.create(`${publicationFolder(id)}/end.json`, end);
    await this.unmark({ kind: 'publication', id });
  }

  async notePublicationFailure(id: string, failure: Omit<TaskFailure, 'format' | 'i' | 'kind' | 'n'>): Promise<number> {
    for (let i = 1; ; i++) {
      const path = `${publicationFolder(id)}/failures/${i}.json`;
      if (await this.records.create(path, { format: 1, kind: 'publish' satisfies TaskKind, n: 0, i, ...failure }))
        return i;
    }
  }

  /** Where live requests may be. A hint: who finds one ended takes the mark away. */
  async *marks(): AsyncGenerator<ActiveMark> {
    for await (const { name } of this.records.names('queue/active')) {
      const run = /^(.+)\.(\d+)$/.exec(name);
      const id = /^publication-([\w-]+)$/.exec(name)?.[1];
      if (id !== undefined) yield { kind: 'publication', id };
      else if (run !== null) yield { kind: 'run', runId: run[1]!, k: Number(run[2]) };
    }
  }

  unmark(mark: ActiveMark): Promise<void> {
    return this.records.remove(markPath(mark));
  }
}

function markPath(mark: ActiveMark): string {
  return `queue/active/${mark.kind === 'run' ? `${mark.runId}.${mark.k}` : `publication-${mark.id}`}`;
}

function failureFolder(runId: string, k: number): string {
  return `runs/${runId}/failures/${k}`;
}

function publicationFolder(id: string): string {
  return `queue/publications/${id}`;
}
