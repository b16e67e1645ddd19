import { STATUS_CODES } from 'node:http';
import { commonHeaders, type HttpAnswer } from './http-answer.ts';

/**
 * An answer as what goes over the wire. `id` is the request's; null: it was refused unread. `idleMs`: how long the connection is kept
 * without a request; null: it is closed.
 *
 * Errors: none.
 */
export function plainAnswer(
  { status, headers, body }: HttpAnswer,
  id: string | null,
  idleMs: number | null,
): { readonly text: string; readonly encoding: 'latin1' | 'utf8' } {
  const bytes = Buffer.byteLength(body);
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
  if (id !== null) head += linesOf(commonHeaders(id));
  head += `${linesOf(headers)}content-length: ${bytes}\r\ndate: ${httpDate()}\r\n`;
  head +=
    idleMs === null
      ? 'connection: close\r\n\r\n'
      : `connection: keep-alive\r\nkeep-alive: timeout=${Math.floor(idleMs / 1000)}\r\n\r\n`;
  // Where all is ASCII, which the length in bytes tells, the cheaper encoding gives the same bytes.
  return { text: head + body, encoding: bytes === body.length ? 'latin1' : 'utf8' };
}

function linesOf(headers: Readonly<Record<string, string>>): string {
  let lines = '';
  for (const name in headers) if (name !== 'connection') lines += `${name}: ${headers[name]}\r\n`;
  return lines;
}

let dateText = '';

function httpDate(): string {
  if (dateText === '') {
    dateText = new Date().toUTCString();
    setTimeout(
      () => {
        dateText = '';
      },
      1000 - (Date.now() % 1000),
    ).unref();
  }
  return dateText;
}
