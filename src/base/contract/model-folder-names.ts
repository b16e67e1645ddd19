/** The file of a version in a model folder. */
export const FOLDER_MODEL = 'model.onnx';
/** Names of files that tree trainers save. */
export const FOLDER_NATIVE = /^model\.(txt|json|ubj|cbm)$/;
/** Either may hold the digest of a version; the first is the one to write. */
export const FOLDER_DIGESTS: readonly RegExp[] = [/^model\.(onnx|txt|json|ubj|cbm)\.sha256$/, /^sha256$/];
/** Bytes of a digest file at most. */
export const DIGEST_FILE_BYTES = 4096;

/** The sha256 in the text of a digest file, 64 hex digits as `sha256sum` writes them or alone; null where there is none. */
export function digestInText(text: string): string | null {
  return /^([0-9a-fA-F]{64})(?:\s|$)/.exec(text.trim())?.[1]?.toLowerCase() ?? null;
}
