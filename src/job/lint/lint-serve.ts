import type { ServeConfig, ServedSet } from '../../base/contract/serve-config.ts';
import type { IssueList, Report } from '../tree/issues.ts';
import { nearestPosition, type SpecNode } from '../tree/tree.ts';

/** Rules of the serve file that look at several keys. Errors: none. */
export function lintServe(config: ServeConfig, tree: SpecNode, issues: IssueList): void {
  const report: Report = (path, text) => issues.add(nearestPosition(tree, path), path, text);
  const { port, grpcPort, metricsPort } = config.listen;
  const ports = [port, grpcPort, metricsPort].filter((p) => p !== null && p !== 0);
  if (new Set(ports).size < ports.length) report(['listen'], { what: 'gives two services one port' });
  if (Object.keys(config.sets).length === 0 && config.models === null)
    report([], { what: 'serves nothing', expected: 'sets, or models' });
  if (!issues.isBroken('models')) lintModels(config.models, tree, report);
  const { headerTimeMs, requestTimeMs } = config.limits;
  if (headerTimeMs > requestTimeMs)
    report(['limits', 'headerTime'], { what: 'is longer than limits.requestTime, which counts from the same moment' });
  for (const [name, set] of Object.entries(config.sets)) {
    if (!issues.isBroken('sets', name)) lintSet(name, set, report);
  }
}

function lintModels(models: ServeConfig['models'], tree: SpecNode, report: Report): void {
  if (models === null) return;
  const { folder, registry, pinned } = models;
  if (folder === null && registry === null)
    report(['models'], { what: 'names no models', expected: 'folder, or serve with what is served of a registry' });
  if (folder !== null && registry !== null)
    report(['models', 'serve'], { what: 'is given beside folder', expected: 'one of the two' });
  if (registry !== null && pinned.length > 0)
    report(['models', 'pinned'], { what: 'has no meaning with serve, whose models are always loaded' });
  if (registry !== null) return;
  for (const key of ['registry', 'poll', 'keep'])
    if (isGiven(tree, key)) report(['models', key], { what: 'has no meaning without serve' });
}

function isGiven(tree: SpecNode, key: string): boolean {
  const models = tree.kind === 'map' ? tree.entries.get('models')?.value : undefined;
  return models?.kind === 'map' && models.entries.has(key);
}

function lintSet(name: string, set: ServedSet, report: Report): void {
  const path = ['sets', name];
  const { order } = set;
  if (set.store === null && set.job === null) report(path, { what: 'has neither a store nor a job' });
  if (order.includes('live') && set.job === null)
    report([...path, 'order'], { what: 'holds live, but there is no job' });
  if (order.includes('stale') && set.staleForMs === null)
    report([...path, 'order'], { what: 'holds stale, but there is no staleFor' });
  if (order.includes('default') && set.defaults === null)
    report([...path, 'order'], { what: 'holds default, but there is no default' });
  if (set.defaults !== null && !order.includes('default'))
    report([...path, 'default'], { what: 'is never used: order does not hold default' });
  if (order.includes('default') && order.at(-1) !== 'default')
    report([...path, 'order'], { what: 'has something after default, which always has an answer' });
  if (order.includes('cache') && order[0] !== 'cache')
    report([...path, 'order'], { what: 'has something before cache' });
  if (set.staleForMs !== null && set.maxAgeMs === null)
    report([...path, 'staleFor'], { what: 'has no meaning without maxAge' });
  if (set.writeBack !== null && !order.includes('live'))
    report([...path, 'writeBack'], { what: 'is never used: order does not hold live' });
  if (set.features.kind === 'redis') lintFeatures(set.features, [...path, 'features'], report);
}

function lintFeatures(place: { readonly url: string; readonly key: string }, path: string[], report: Report): void {
  if (place.url.startsWith('lmdb:')) report([...path, 'redis'], { what: 'is no Redis', got: 'an lmdb: address' });
  if (place.key.split('{key}').length !== 2)
    report([...path, 'key'], { what: 'must hold {key} once', got: JSON.stringify(place.key) });
}
