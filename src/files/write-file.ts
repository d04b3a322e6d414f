/**
 * Output files: written whole beside their place under a temporary name, put on the disk, then renamed, so that none is
 * ever half there. Of several files all are written before the first is renamed, and a rename that fails takes the
 * earlier ones back. Links are followed, and the permissions of a file that is replaced stay.
 */
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SublinearError } from '../ir/diagnostic.ts';
import { holdSignals } from './hold-signals.ts';
import { type OutputTarget, outputTarget } from './output-target.ts';
import { type Explanation, explainFailure } from './system-error.ts';
import { createExclusively, removeStale, temporaryPath } from './temporary-file.ts';

type Contents = string | Uint8Array;

/** A file under way: what was asked for, where it really goes, and under which name it waits. */
interface Output {
  readonly asked: string;
  readonly contents: Contents;
  readonly target: OutputTarget;
  readonly temporary: string;
}

/** Ways back, the last first. */
type Undo = (() => void)[];

let discarding = false;

/** Throws `SublinearError` naming the path and the reason. */
export function writeFileAtomically(path: string, contents: Contents): void {
  writeFilesAtomically(new Map([[path, contents]]));
}

/** All of them or none. Throws `SublinearError` naming the first path that cannot be written, and the reason. */
export function writeFilesAtomically(files: ReadonlyMap<string, Contents>): void {
  if (files.size === 0 || discarding) return;
  const undo: Undo = [];
  const release = holdSignals();
  try {
    const outputs = [...files].map(([asked, contents]): Output => {
      const target = naming(asked, () => outputTarget(asked));
      return { asked, contents, target, temporary: temporaryPath(target.path) };
    });
    refuseDoubles(outputs);
    removeStale(outputs.map(({ target }) => target.path));
    for (const output of outputs) naming(output.asked, () => writeTemporary(output, undo));
    for (const { asked, contents, target } of outputs)
      if (target.kind === 'stream') naming(asked, () => writeFileSync(target.path, contents));
    replaceAll(outputs, undo);
  } catch (error) {
    for (const back of undo.reverse()) attempt(back);
    throw error;
  } finally {
    release();
  }
}

/** Throws, as writing would, for a file that could not be written now: said before the work whose outcome it is for. */
export function assertWritable(path: string): void {
  if (discarding) return;
  naming(path, () => {
    const target = outputTarget(path);
    if (target.kind === 'file') tryFolder(dirname(target.path), target.path);
  });
}

/** The same for a folder whose files have no names yet. */
export function assertFolderWritable(path: string): void {
  if (!discarding) naming(path, () => tryFolder(path, path));
}

/** Whatever is written while `run` runs goes nowhere. */
export async function withoutWriting<T>(run: () => Promise<T>): Promise<T> {
  discarding = true;
  try {
    return await run();
  } finally {
    discarding = false;
  }
}

/** Makes a temporary file of `output` where the folder is, or where it would be made, and removes it. */
function tryFolder(folder: string, output: string): void {
  let place = folder;
  // A link to no folder is something: it is tried, and found out.
  while (lstatSync(place, { throwIfNoEntry: false }) === undefined) place = dirname(place);
  const temporary = temporaryPath(join(place, basename(output)));
  closeSync(createExclusively(temporary, 0o600));
  rmSync(temporary);
}

/** Two names of one file would leave the one that came last. */
function refuseDoubles(outputs: readonly Output[]): void {
  const places = new Map<string, string>();
  for (const { asked, target } of outputs) {
    const other = places.get(target.path);
    if (other !== undefined && target.kind === 'file')
      throw new SublinearError({
        code: 'cannot-write',
        message: `cannot write ${asked}: ${other} is written to the same file`,
        hint: 'name two files',
      });
    places.set(target.path, asked);
  }
}

function writeTemporary({ contents, target, temporary }: Output, undo: Undo): void {
  if (target.kind === 'stream') return;
  const { stats } = target;
  makeFolder(dirname(target.path), undo);
  const file = createExclusively(temporary, stats === undefined ? 0o666 : stats.mode & 0o700);
  undo.push(() => rmSync(temporary, { force: true }));
  try {
    writeFileSync(file, contents);
    if (stats !== undefined) keepOwnership(file, stats);
    flush(file);
  } finally {
    closeSync(file);
  }
}

function keepOwnership(file: number, { uid, gid, mode }: Stats): void {
  // Only the superuser may give files away: for anybody else the owner is the same or cannot be kept.
  if (process.getuid?.() === 0) attempt(() => fchownSync(file, uid, gid));
  fchmodSync(file, mode & 0o7777);
}

/** Renames all; until all are, what is replaced stays under a second name. */
function replaceAll(outputs: readonly Output[], undo: Undo): void {
  const several = outputs.length > 1;
  const kept: string[] = [];
  for (const { asked, target, temporary } of outputs) {
    if (target.kind === 'stream') continue;
    const { path } = target;
    naming(asked, () => {
      const old = several && target.stats !== undefined ? keepOld(path, undo) : undefined;
      if (old !== undefined) kept.push(old);
      renameSync(temporary, path);
      undo.push(() => (old === undefined ? rmSync(path) : renameSync(old, path)));
    });
  }
  for (const old of kept) attempt(() => rmSync(old));
  for (const folder of new Set(outputs.map(({ target }) => dirname(target.path)))) attempt(() => flushFolder(folder));
}

/** A second name of the file, or, where there are no such, a copy. */
function keepOld(path: string, undo: Undo): string {
  const old = temporaryPath(path);
  undo.push(() => rmSync(old, { force: true }));
  try {
    linkSync(path, old);
  } catch {
    copyFileSync(path, old, constants.COPYFILE_EXCL);
  }
  return old;
}

/** To the disk; there are file systems that have no such thing. */
function flush(file: number): void {
  try {
    fsyncSync(file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'EINVAL' || error.code === 'ENOTSUP')))
      throw error;
  }
}

function flushFolder(path: string): void {
  const folder = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/**
 * Parents first, one by one: Node's `recursive` never comes back from a file system that refuses new folders.
 */
function makeFolder(path: string, undo: Undo): void {
  const missing: string[] = [];
  for (let folder = path; !existsSync(folder); folder = dirname(folder)) missing.push(folder);
  for (const folder of missing.reverse()) {
    mkdirSync(folder);
    undo.push(() => rmdirSync(folder));
  }
}

/** What cannot be undone was not done, or is not ours alone. */
function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // See above.
  }
}

const noFolder: Explanation = { reason: 'its folder is not there, and cannot be made' };

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** Errors that say which of the paths asked for they are about. */
function naming<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const { reason, hint = 'choose a folder that can be written' } = isMissing(error)
      ? noFolder
      : explainFailure(error);
    throw new SublinearError({ code: 'cannot-write', message: `cannot write ${path}: ${reason}`, hint });
  }
}
