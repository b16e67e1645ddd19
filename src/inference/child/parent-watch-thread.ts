import { workerData } from 'node:worker_threads';

const EVERY_MS = 500;

const { parentPid } = workerData as { readonly parentPid: number };
setInterval(() => {
  if (process.ppid !== parentPid) process.kill(process.pid, 'SIGKILL');
}, EVERY_MS);
