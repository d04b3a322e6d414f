/**
 * Output files: written beside their place under a temporary name, then renamed, so that none is ever half there; of
 * several files, all are written before the first is renamed.
 */
import { existsSync, mkdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
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
  const made: string[] = [];
  for (const [path, contents] of files) {
    try {
      makeFolder(dirname(path), made);
      written.push(temporary(path));
      writeFileSync(temporary(path), contents);
    } catch (error) {
      undo(written, made);
      throw cannotWrite(path, error);
    }
  }
  for (const path of files.keys()) {
    try {
      renameSync(temporary(path), path);
    } catch (error) {
      undo(written, made);
      throw cannotWrite(path, error);
    }
  }
}

/**
 * Parents first, one by one: Node's `recursive` never comes back from a file system that refuses new folders. What is
 * made is added to `made`.
 */
function makeFolder(path: string, made: string[]): void {
  const missing: string[] = [];
  for (let folder = path; !existsSync(folder); folder = dirname(folder)) missing.push(folder);
  for (const folder of missing.reverse()) {
    mkdirSync(folder);
    made.push(folder);
  }
}

/** Removes files, and folders that are empty then. */
function undo(files: readonly string[], folders: readonly string[]): void {
  const attempt = (remove: () => void): void => {
    try {
      remove();
    } catch {
      // What cannot be removed was not written, or is not ours alone.
    }
  };
  for (const path of files) attempt(() => rmSync(path, { force: true }));
  for (const path of [...folders].reverse()) attempt(() => rmdirSync(path));
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
