/** Rows beside which a model is explained, as columns of its inputs. Plain data, fit for JSON. */
export interface Background {
  readonly rows: number;
  readonly inputs: Readonly<Record<string, BackgroundInput>>;
}

export type BackgroundInput =
  /** float64, little endian, in base64: [rows, width]. */
  | { readonly width: number; readonly numbers: string }
  | { readonly width: number; readonly texts: readonly (string | null)[] };

/** Rows of a background at most. */
export const MOST_BACKGROUND_ROWS = 100;
