import { connect, type Socket } from 'node:net';

/** Bytes that a server sends until it closes the connection, or until `waitMs` have passed. */
export function rawHttp(url: string, pieces: readonly (string | Buffer | number)[], waitMs = 3_000): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTo(url);
    let text = '';
    const finish = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(text);
    };
    const timer = setTimeout(finish, waitMs);
    socket.on('data', (data) => {
      text += data.toString('latin1');
    });
    socket.on('close', finish);
    socket.on('error', () => undefined);
    void (async () => {
      for (const piece of pieces) {
        if (typeof piece === 'number') await new Promise((next) => setTimeout(next, piece));
        else if (!socket.destroyed) socket.write(piece);
      }
    })();
  });
}

export function connectTo(url: string): Socket {
  const { hostname, port } = new URL(url);
  return connect(Number(port), hostname);
}

/** The status of an answer; null without one. */
export function statusIn(text: string): number | null {
  const match = /^HTTP\/1\.1 (\d{3})/.exec(text);
  return match === null ? null : Number(match[1]);
}
