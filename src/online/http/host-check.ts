import { PrescoreError } from '../../base/errors/prescore-error.ts';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Refuses what a browser sends on behalf of another site: a Host that is not ours (a name that was bound to our address), or an
 * Origin other than our own. Names are compared without port and case. Beyond loopback any host is fine unless names are listed:
 * there a key is asked for, which a browser does not have.
 */
export class HostCheck {
  private readonly hosts: ReadonlySet<string> | null;
  /** Whole texts that have passed; clients repeat theirs. */
  private readonly passed = new Set<string>();

  /** Of the address listened on, and further names. */
  constructor(host: string, names: readonly string[]) {
    const own = host.includes(':') ? `[${host}]` : host;
    const isLoopback = LOOPBACK.includes(own) || own.startsWith('127.');
    const isOpen = !isLoopback && names.length === 0;
    this.hosts = isOpen
      ? null
      : new Set([...names, own, ...(isLoopback ? LOOPBACK : [])].map((name) => name.toLowerCase()));
  }

  /** Errors: HTTP_HOST, HTTP_ORIGIN. */
  check(host: string | undefined, origin: string | undefined): void {
    if (host === undefined || !this.passed.has(host)) this.checkHost(host);
    if (origin === undefined) return;
    // Same scheme and host; a page that we serve ourselves may ask.
    if (host !== undefined && (origin === `http://${host}` || origin === `https://${host}`)) return;
    throw new PrescoreError('HTTP_ORIGIN', { what: 'cross-origin' });
  }

  private checkHost(host: string | undefined): void {
    const name = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?$/.exec(host?.toLowerCase() ?? '')?.[1];
    if (name === undefined || this.hosts?.has(name) === false)
      throw new PrescoreError('HTTP_HOST', { what: 'another host' });
    if (this.passed.size < 100) this.passed.add(host!);
  }
}
