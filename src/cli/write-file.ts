/** Output files: written beside their place under a temporary name, then renamed, so that none is ever half there. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { SublinearError } from '../ir/diagnostic.ts';

/** Throws `SublinearError` naming the path and the reason. */
export function writeFileAtomically(path: string, contents: string | Uint8Array): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temporary, contents);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new SublinearError({
      code: 'cannot-write',
      message: `cannot write ${path}: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'choose another place with -o DIR',
    });
  }
}

/** `name` as a file name: what a path cannot hold is written `%XX`, as in a URL. */
export function escapeFileName(name: string): string {
  const escaped = [...new TextEncoder().encode(name)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[A-Za-z0-9_.#-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
  return escaped === '.' || escaped === '..' ? escaped.replaceAll('.', '%2E') : escaped;
}
