import { isJsonType } from './parse-body.ts';

/** What the head of a POST says that has the form that nearly every client gives it. */
interface PlainHeaders {
  /** The rest of the path after the prefix: letters, digits, `.`, `_`, `~` and `-`. */
  readonly name: string;
  readonly host: string;
  readonly origin: string | undefined;
  readonly authorization: string | undefined;
  readonly requestId: string | undefined;
  readonly traceparent: string | undefined;
  readonly size: number;
}

export interface PlainHead extends PlainHeaders {
  /** Where its body begins and ends in the bytes that came, which may be fewer. */
  readonly from: number;
  readonly to: number;
}

export interface PlainLimits {
  readonly headerBytes: number;
  readonly bodyBytes: number;
}

const MOST_KNOWN = 256;
const POST = 'POST ';
const VERSION = ' HTTP/1.1';
const NAME = /^[A-Za-z0-9._~-]+$/;
const TOKEN = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const LENGTH = /^[0-9]{1,9}$/;
/** They say how the bytes are to be read, or what becomes of the connection. */
const UNUSUAL = new Set([
  'transfer-encoding',
  'content-encoding',
  'expect',
  'upgrade',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
]);

/** What is wanted of the headers; each may be there once. */
interface Wanted {
  host?: string;
  origin?: string;
  authorization?: string;
  'x-request-id'?: string;
  traceparent?: string;
  'content-type'?: string;
  'content-length'?: string;
  connection?: string;
}

/** Reads the heads of plain requests below one prefix. Clients repeat theirs to the letter, so the last ones are kept. */
export class PlainReader {
  private readonly prefix: string;
  private readonly limits: PlainLimits;
  private readonly known = new Map<string, PlainHeaders>();

  constructor(prefix: string, limits: PlainLimits) {
    this.prefix = prefix;
    this.limits = limits;
  }

  /**
   * Reads bytes that begin with the whole head of a `POST <prefix><name> HTTP/1.1` with a JSON body of a declared length, and have
   * no more than that body. Null for all else: other methods and paths, a part of a head, the next request, a header that says
   * how to read on, any doubt. What is null is not wrong; it is for a parser that knows all of HTTP.
   *
   * Errors: none. Owns: nothing.
   */
  read(bytes: Buffer): PlainHead | null {
    const end = bytes.indexOf('\r\n\r\n', 0, 'latin1');
    if (end < 0 || end > this.limits.headerBytes) return null;
    const text = bytes.toString('latin1', 0, end);
    const headers = this.known.get(text) ?? this.learn(text);
    if (headers === null) return null;
    const from = end + 4;
    const to = from + headers.size;
    return bytes.length > to ? null : { ...headers, from, to };
  }

  private learn(text: string): PlainHeaders | null {
    const headers = readHead(text, this.prefix);
    if (headers === null || headers.size > this.limits.bodyBytes) return null;
    // These are never the same twice.
    const isKept = headers.requestId === undefined && headers.traceparent === undefined;
    if (isKept && this.known.size >= MOST_KNOWN) this.known.clear();
    if (isKept) this.known.set(text, headers);
    return headers;
  }
}

function readHead(head: string, prefix: string): PlainHeaders | null {
  const lineEnd = head.indexOf('\r\n');
  if (lineEnd < 0 || !head.startsWith(POST) || !head.startsWith(prefix, POST.length)) return null;
  if (!head.startsWith(VERSION, lineEnd - VERSION.length)) return null;
  const name = head.slice(POST.length + prefix.length, lineEnd - VERSION.length);
  const headers = NAME.test(name) ? readHeaders(head, lineEnd + 2) : null;
  if (headers === null) return null;
  const { host, connection = 'keep-alive' } = headers;
  const length = headers['content-length'];
  if (host === undefined || connection.toLowerCase() !== 'keep-alive') return null;
  if (!isJsonType(headers['content-type'])) return null;
  if (length === undefined || !LENGTH.test(length) || Number(length) === 0) return null;
  const { origin, authorization, traceparent } = headers;
  return { name, host, origin, authorization, requestId: headers['x-request-id'], traceparent, size: Number(length) };
}

function readHeaders(head: string, from: number): Wanted | null {
  const wanted: Wanted = {};
  for (let at = from; at < head.length; ) {
    const found = head.indexOf('\r\n', at);
    const to = found < 0 ? head.length : found;
    const colon = head.indexOf(':', at);
    if (colon < 0 || colon >= to) return null;
    const name = head.slice(at, colon).toLowerCase();
    const value = head.slice(colon + 1, to);
    if (!TOKEN.test(name) || !VALUE.test(value) || UNUSUAL.has(name)) return null;
    switch (name) {
      case 'host':
      case 'origin':
      case 'authorization':
      case 'x-request-id':
      case 'traceparent':
      case 'content-type':
      case 'content-length':
      case 'connection':
        if (wanted[name] !== undefined) return null;
        wanted[name] = trimmed(value);
    }
    at = to + 2;
  }
  return wanted;
}

// Spaces and tabs alone: `trim` would take more.
function trimmed(value: string): string {
  let from = 0;
  let to = value.length;
  while (from < to && isBlank(value.charCodeAt(from))) from++;
  while (to > from && isBlank(value.charCodeAt(to - 1))) to--;
  return value.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}
