/** Where an output really goes: links are followed, and what is there already is looked at before anything is written. */
import { closeSync, constants, lstatSync, openSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

export type OutputTarget =
  /** A file, there or not, that is written whole and renamed into its place. */
  | { readonly kind: 'file'; readonly path: string; readonly stats: Stats | undefined }
  /** A device, a pipe, a terminal: written into, and never replaced. */
  | { readonly kind: 'stream'; readonly path: string };

/** Symbolic links that are followed at most, as Linux does. */
const longestChain = 40;

/** Throws the system's error for a path that cannot be written: a folder, a file that is protected. */
export function outputTarget(path: string): OutputTarget {
  if (path === '' || path.endsWith('/')) throw systemError('EISDIR', path);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return { kind: 'file', path: endOfLinks(path), stats };
  if (stats.isDirectory()) throw systemError('EISDIR', path);
  if (!stats.isFile()) return { kind: 'stream', path };
  // A file that is protected from writing is not to be replaced either.
  closeSync(openSync(path, constants.O_WRONLY));
  return { kind: 'file', path: realpathSync(path), stats };
}

/** The place that a link to nothing names. */
function endOfLinks(path: string): string {
  let place = path;
  for (let followed = 0; followed < longestChain; followed++) {
    if (lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return place;
    place = resolve(realpathSync(dirname(place)), readlinkSync(place));
  }
  throw systemError('ELOOP', path);
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code, syscall: 'open', path });
}
