/**
 * Output files: written beside their place under a temporary name, then renamed, so that none is ever half there; of
 * several files, all are written before the first is renamed.
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { SublinearError } from '../ir/diagnostic.ts';

/** Throws `SublinearError` naming the path and the reason. */
export function writeFileAtomically(path: string, contents: string | Uint8Array): void {
  writeFilesAtomically(new Map([[path, contents]]));
}

/** All of them or none. Throws `SublinearError` naming the first path that cannot be written, and the reason. */
export function writeFilesAtomically(files: ReadonlyMap<string, string | Uint8Array>): void {
  const temporary = (path: string): string => `${path}.${process.pid}.tmp`;
  const written: string[] = [];
  for (const [path, contents] of files) {
    try {
      makeFolder(dirname(path));
      written.push(temporary(path));
      writeFileSync(temporary(path), contents);
    } catch (error) {
      removeAll(written);
      throw cannotWrite(path, error);
    }
  }
  for (const path of files.keys()) {
    try {
      renameSync(temporary(path), path);
    } catch (error) {
      removeAll(written);
      throw cannotWrite(path, error);
    }
  }
}

/** Parents first, one by one: Node's `recursive` never comes back from a file system that refuses new folders. */
function makeFolder(path: string): void {
  const missing: string[] = [];
  for (let folder = path; !existsSync(folder); folder = dirname(folder)) missing.push(folder);
  for (const folder of missing.reverse()) mkdirSync(folder);
}

function removeAll(paths: readonly string[]): void {
  for (const path of paths) {
    try {
      rmSync(path, { force: true });
    } catch {
      // What cannot be removed was not written: its folder is a file, or may not be entered.
    }
  }
}

function cannotWrite(path: string, error: unknown): SublinearError {
  return new SublinearError({
    code: 'cannot-write',
    message: `cannot write ${path}: ${error instanceof Error ? error.message : String(error)}`,
    hint: 'choose a folder that can be written',
  });
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
