import { setFlagsFromString } from 'node:v8';

/**
 * For servers: what a request makes stays young, whatever the load. Where many objects of one place in the code survive, as they do
 * while requests pile up, V8 makes later ones old from the start; then all that a request made is kept until the next full
 * collection, which was every two to four seconds, and young collections take 20 ms instead of one.
 */
export function keepGarbageYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
