/** Input files, with errors for people. */
import { readFileSync } from 'node:fs';
import { SublinearError } from '../ir/diagnostic.ts';
import { explainFailure } from './system-error.ts';

export function readBytes(path: string, what: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    const { reason, hint } = explainFailure(error);
    const message = `cannot read ${what} ${path}: ${reason}`;
    throw new SublinearError({ code: 'cannot-read', message, ...(hint !== undefined && { hint }) });
  }
}

/** What `parse` makes of a file; its errors say which file, where they do not say where in it. */
export function readWith<T>(path: string, what: string, parse: (bytes: Uint8Array) => T): T {
  const bytes = readBytes(path, what);
  try {
    return parse(bytes);
  } catch (error) {
    if (!(error instanceof SublinearError)) throw error;
    throw new SublinearError(
      error.diagnostics.map((diagnostic) => ({ ...diagnostic, source: diagnostic.source ?? path })),
      error.exitCode,
    );
  }
}

export function readText(path: string, what: string): string {
  return new TextDecoder().decode(readBytes(path, what));
}
