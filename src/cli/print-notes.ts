/** What commands print. Names and file contents may hold anything: what a terminal would obey is shown instead. */
import { type Diagnostic, formatDiagnostic } from '../ir/diagnostic.ts';
import { printable } from '../ir/printable.ts';

/** Notes go to standard error, so that standard output stays what was asked for. */
export function printNotes(notes: readonly Diagnostic[]): void {
  for (const note of notes) process.stderr.write(`note: ${printable(formatDiagnostic(note))}\n`);
}

/** What was asked for, text or JSON, to standard output. */
export function printOutput(text: string): void {
  process.stdout.write(printable(text));
}
