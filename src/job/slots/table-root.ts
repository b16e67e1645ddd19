import { expandTemplate, placeholderAt } from '../values/template.ts';

/** The folder of run records within the table root. Readers and vacuums of tables pass over names with an underscore. */
export const STATE_FOLDER = '_prescore';

/** The output path before its first segment with a placeholder; all of it if there is none. No slash at the end. Errors: none. */
export function tableRoot(outputTemplate: string): string {
  const placeholder = placeholderAt(outputTemplate);
  const root =
    placeholder === -1 ? outputTemplate : outputTemplate.slice(0, outputTemplate.lastIndexOf('/', placeholder));
  return stripSlashes(expandTemplate(root, null));
}

/** Where run records live when the job file does not say. Errors: none. */
export function defaultState(outputTemplate: string): string {
  return `${tableRoot(outputTemplate)}/${STATE_FOLDER}`;
}

/** A folder without its closing slashes; the slashes after a scheme stay. */
export function stripSlashes(uri: string): string {
  const stripped = uri.replace(/\/+$/, '');
  return stripped.endsWith(':') ? `${stripped}//` : stripped;
}
