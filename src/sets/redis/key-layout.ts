import { checkSetName, isSetName } from '../../base/contract/set-name.ts';
import { crc32Of } from '../prediction-set/crc32.ts';

/** Overlay hashes of a set: single keys spread over this many, so that none becomes giant. */
export const OVERLAY_GROUPS = 1024;
/** Matches the pointer of every set; `setOfPointer` sorts out what only looks like one. */
export const POINTER_PATTERN = 'prescore:*:ptr';

const POINTER = /^prescore:([^:]+):ptr$/;

// No braces anywhere: the pages of a set spread over all slots of a cluster.

/** A hash: `version` and `state` for publishers, the other fields for readers. Never expires. */
export function pointerKey(set: string): string {
  return `${prefix(set)}ptr`;
}

/** The JSON of a generation's meta. */
export function metaKey(set: string, generation: number): string {
  return `${prefix(set)}g${generation}:meta`;
}

/** The bytes of one page. */
export function pageKey(set: string, generation: number, bucket: number): string {
  return `${prefix(set)}g${generation}:${bucket}`;
}

/** The residues whose pages are all written, as a set of decimal texts. */
export function doneKey(set: string, generation: number): string {
  return `${prefix(set)}g${generation}:done`;
}

/** The overlay hash of a group: key bytes -> entry bytes. */
export function overlayKey(set: string, group: number): string {
  return `${prefix(set)}o:${group}`;
}

export function overlayGroup(key: Uint8Array): number {
  return crc32Of(key, 0, key.length) % OVERLAY_GROUPS;
}

/** The set that a pointer key belongs to; null for keys of other programs. */
export function setOfPointer(key: string): string | null {
  const set = POINTER.exec(key)?.[1];
  return set !== undefined && isSetName(set) ? set : null;
}

function prefix(set: string): string {
  checkSetName(set);
  return `prescore:${set}:`;
}
