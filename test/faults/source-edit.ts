/** A change of the sources' text, and putting it in: what planted faults and mutants are made of. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const projectRoot = resolve(import.meta.dirname, '../..');

export interface SourceEdit {
  /** From the root of the project. */
  readonly file: string;
  /** Exact text; stands in the file once. */
  readonly before: string;
  readonly after: string;
}

/** How often `before` stands in the file: 1, or the edit is out of date. */
export function countOccurrences({ file, before }: SourceEdit): number {
  return readFileSync(join(projectRoot, file), 'utf8').split(before).length - 1;
}

/** The file's text with the edit in it. */
export function editedText(edit: SourceEdit): string {
  const count = countOccurrences(edit);
  if (count !== 1)
    throw new Error(`${JSON.stringify(edit.before)} stands ${count} times in ${edit.file}; an edit needs it once`);
  return readFileSync(join(projectRoot, edit.file), 'utf8').replace(edit.before, () => edit.after);
}
