/** Hosts that hand out a machine's credentials; an endpoint there is never an object store. */
const METADATA_HOSTS: ReadonlySet<string> = new Set([
  'metadata',
  'metadata.google.internal',
  '100.100.100.200',
  'instance-data',
]);

/**
 * What is wrong with a store endpoint, as a short sentence; null when nothing is. Loopback and private addresses are
 * fine: the endpoint is explicit configuration. Names that resolve to a metadata address are not seen here.
 *
 * Errors: none.
 */
export function endpointProblem(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) return 'is not a URL';
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'is not an http or https URL';
  if (url.username !== '' || url.password !== '') return 'holds user information';
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || /[?#]/.test(text)) {
    return 'has a path, query or fragment; give the host and port only';
  }
  if (/[{}$]/.test(text)) return 'holds a template; nothing is expanded here';
  return isMetadataHost(url.hostname) ? 'is a link-local or metadata address' : null;
}

/**
 * What is wrong with the URL of a webhook; null when nothing is. Path and query may be anything, the host as for stores.
 *
 * Errors: none.
 */
export function webhookProblem(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) return 'is not a URL';
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'is not an http or https URL';
  if (url.username !== '' || url.password !== '') return 'holds user information';
  if (/[{}$]/.test(text)) return 'holds a template; nothing is expanded here';
  return isMetadataHost(url.hostname) ? 'is a link-local or metadata address' : null;
}

/** The URL parser has already turned decimal, hexadecimal and octal IPv4 forms into dotted ones. */
function isMetadataHost(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/\.$/, '');
  if (METADATA_HOSTS.has(host) || isLinkLocalV4(host)) return true;
  return host.startsWith('[') && isMetadataV6(host.slice(1, -1));
}

function isLinkLocalV4(host: string): boolean {
  return /^169\.254\.\d+\.\d+$/.test(host);
}

function isMetadataV6(host: string): boolean {
  const words = expandV6(host);
  if (words === null) return true; // an address that we cannot read is not let through
  const first = words[0] ?? 0;
  if ((first & 0xffc0) === 0xfe80) return true; // fe80::/10
  if (first === 0xfd00 && words[1] === 0x0ec2 && words[7] === 0x0254) return true; // fd00:ec2::254
  // IPv4 inside IPv6: mapped and compatible forms and NAT64 keep it in the last words, 6to4 in the second and third.
  const last = embeddedV4(words[6], words[7]);
  const isMapped = words.slice(0, 5).every((word) => word === 0) && (words[5] === 0 || words[5] === 0xffff);
  const isTranslated = words.slice(0, 4).every((word) => word === 0) && words[4] === 0xffff && words[5] === 0;
  const isNat64 = first === 0x64 && words[1] === 0xff9b;
  if (isMapped || isTranslated || isNat64) return isLinkLocalV4(last) || METADATA_HOSTS.has(last);
  return first === 0x2002 && isLinkLocalV4(embeddedV4(words[1], words[2]));
}

function embeddedV4(high = 0, low = 0): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** The eight words of an address as the URL parser prints it (never with dots); null when it is not one. */
function expandV6(host: string): readonly number[] | null {
  const [head = '', tail] = host.split('::');
  const wordsOf = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
  const [left, right] = [wordsOf(head), wordsOf(tail ?? '')];
  const missing = 8 - left.length - right.length;
  if (missing < 0 || (tail === undefined && missing !== 0)) return null;
  const words = [...left, ...Array.from({ length: missing }, () => 0), ...right];
  return words.every((word) => Number.isInteger(word) && word >= 0 && word <= 0xffff) ? words : null;
}
