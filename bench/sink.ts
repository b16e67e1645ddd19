/*
 * A server that refuses everything and does nothing else, a process of its own: `node sink.ts`. Tells its parent the port. What a flood costs the machine,
 * whoever it is for.
 */
import { type AddressInfo, createServer } from 'node:net';

const BODY = '{"error":{"code":"SERVER_OVERLOADED"}}';
const ANSWER = `HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;
const END = '\r\n\r\n';

const server = createServer({ noDelay: true }, (socket) => {
  /** Bytes of the request that are still to come. */
  let left = 0;
  socket.on('error', () => undefined);
  socket.on('data', (bytes: Buffer) => {
    if (left === 0) {
      const end = bytes.indexOf(END);
      left = end + END.length + Number(/content-length: (\d+)/.exec(bytes.toString('latin1', 0, end))![1]);
    }
    left -= bytes.length;
    if (left === 0) socket.write(ANSWER, 'latin1');
  });
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
