const REDIS = /^rediss?(\+cluster|\+sentinel)?:\/\//;
const HOST = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$/;

/** What a place of prediction sets looks like, for messages and docs. */
export const STORE_URL_SAYS =
  'lmdb:PATH, redis://host:6379/0, rediss://…, redis+cluster://h1:7000,h2:7001 or redis+sentinel://h1:26379,h2:26379/mymaster/0';

/** The folder of an `lmdb:` address; null for any other. */
export function lmdbFolder(text: string): string | null {
  return text.startsWith('lmdb:') ? text.slice('lmdb:'.length) : null;
}

/** What to do about a login in an address where none may stand. */
export const LOGIN_FIX =
  'Take it out of the address; set PRESCORE_REDIS_USERNAME and PRESCORE_REDIS_PASSWORD in the environment.';

/** An address without user and password: the only form that is shown. A password may hold a slash or an @. Errors: none. */
export function withoutLogin(url: string): string {
  return url.replace(/^(rediss?(?:\+[a-z]+)?:\/\/).*@/i, '$1');
}

/** What is wrong with the address of a prediction store, as a short sentence; null when nothing is. Errors: none. */
export function storeUrlProblem(text: string): string | null {
  const folder = lmdbFolder(text);
  if (folder !== null) {
    if (folder === '') return 'names no folder';
    return folder.startsWith('//') ? 'has an authority; write lmdb:PATH' : null;
  }
  const scheme = REDIS.exec(text);
  if (scheme === null) return 'is no address of a prediction store';
  if (text.includes('@')) return 'holds user and password';
  const [hosts = '', ...rest] = text.slice(scheme[0].length).split('/');
  const isMany = scheme[1] !== undefined;
  if (!hosts.split(',').every((host) => HOST.test(host)) || (!isMany && hosts.includes(',')))
    return 'has no valid host';
  if (scheme[1] === '+cluster') return rest.join('') === '' ? null : 'names a database; a cluster has only one';
  const [master, ...db] = scheme[1] === '+sentinel' ? rest : ['-', ...rest];
  if (master === undefined || master === '') return 'names no master';
  return db.length > 1 || !/^[0-9]{0,5}$/.test(db[0] ?? '') ? 'has no valid database number' : null;
}
