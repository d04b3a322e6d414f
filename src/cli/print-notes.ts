/** Notes go to standard error, so that standard output stays what was asked for. */
import { type Diagnostic, formatDiagnostic } from '../ir/diagnostic.ts';

export function printNotes(notes: readonly Diagnostic[]): void {
  for (const note of notes) process.stderr.write(`note: ${formatDiagnostic(note)}\n`);
}
