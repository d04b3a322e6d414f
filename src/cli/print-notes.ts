/** Notes go to standard error, so that standard output stays what was asked for. */
import { type Diagnostic, formatDiagnostic } from '../ir/diagnostic.ts';

export function printNotes(notes: readonly Diagnostic[]): void {
  for (const note of notes) process.stderr.write(`note: ${printable(formatDiagnostic(note))}\n`);
}

/** Names and file contents may hold anything: control characters are shown, not sent to the terminal. */
export function printable(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to be found
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
