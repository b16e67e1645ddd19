import { connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { selfSigned } from './self-signed.ts';

export interface TcpFront {
  readonly port: number;
  /** The authority that its certificate needs; empty without TLS. */
  readonly ca: string;
  close(): Promise<void>;
}

/** A port that does to each connection what the test says. */
export async function tcpFront(onConnection: (socket: Socket) => void): Promise<TcpFront> {
  return listen(createServer(onConnection), '');
}

/** TLS with a certificate of its own in front of a real server that speaks none. */
export async function tlsFront(target: number): Promise<TcpFront> {
  const { cert, key } = await selfSigned();
  const server = createTlsServer({ key, cert }, (socket) => {
    const upstream = connect(target, '127.0.0.1');
    socket.on('error', () => upstream.destroy());
    upstream.on('error', () => socket.destroy());
    socket.pipe(upstream).pipe(socket);
  });
  return listen(server, cert);
}

async function listen(server: Server, ca: string): Promise<TcpFront> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  const close = async (): Promise<void> => {
    const closed = new Promise((done) => server.close(done));
    for (const socket of open) socket.destroy();
    await closed;
  };
  return { port: address.port, ca, close };
}
