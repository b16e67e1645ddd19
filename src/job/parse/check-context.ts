import type { IssueList } from '../tree/issues.ts';

/** What checking a tree needs besides the tree. */
export interface CheckContext {
  readonly issues: IssueList;
  /**
   * Absolute URI of a URI or path text. `asWritten` writes the folder that relative paths start from so that none of its signs means
   * anything. May throw URI_INVALID, which becomes an issue.
   */
  readonly resolveUri: (text: string, asWritten?: (folder: string) => string) => string;
}
