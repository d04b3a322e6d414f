/** How the tables of planted faults are written: by part and file, with the test files that have to notice. */
import type { SourceEdit } from '../source-edit.ts';

/** A bug that somebody could write, as an edit of the sources. */
export interface PlantedFault extends SourceEdit {
  readonly part: string;
  /** What is wrong then, in a sentence. */
  readonly what: string;
  /** Test files, those most likely to catch it first. */
  readonly tests: readonly string[];
}

/** What is wrong, exact text that stands in the file once, what takes its place. */
type Edit = readonly [what: string, before: string, after: string];

/** Faults of one file; `tests` are paths below `test/`, without `.test.ts`. */
export function inFile(
  part: string,
  file: string,
  tests: readonly string[],
  edits: readonly Edit[],
): readonly PlantedFault[] {
  return edits.map(([what, before, after]) => ({
    ...{ part, file, what, before, after },
    tests: tests.map((test) => `test/${test}.test.ts`),
  }));
}
