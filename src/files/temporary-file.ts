/**
 * Temporary files beside an output. Their names say which output they are of and which process writes them, so that what
 * a killed process left is cleared away by the next one that writes the same output, and nothing else is.
 */
import { createHash, randomBytes } from 'node:crypto';
import { constants, openSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

const pattern = /^\.sublinear-([0-9a-f]{12})-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.tmp$/;

/** A path beside `output` that nobody can foretell. Its length does not depend on the name of the output. */
export function temporaryPath(output: string): string {
  const name = `.sublinear-${digest(basename(output), 12)}-${machine()}-${process.pid}-${randomBytes(6).toString('hex')}.tmp`;
  return join(dirname(output), name);
}

/** Makes the file, open for writing. Fails, as it should, where anything is in its place: a link too. */
export function createExclusively(path: string, mode: number): number {
  return openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, mode);
}

/** Removes temporary files of the outputs whose process is no more. What cannot be removed stays. */
export function removeStale(outputs: readonly string[]): void {
  for (const folder of new Set(outputs.map((path) => dirname(path)))) {
    const own = new Set(outputs.filter((path) => dirname(path) === folder).map((path) => digest(basename(path), 12)));
    try {
      for (const name of readdirSync(folder)) {
        const [, output, from, pid] = pattern.exec(name) ?? [];
        if (output !== undefined && own.has(output) && from === machine() && hasEnded(Number(pid)))
          rmSync(join(folder, name), { force: true });
      }
    } catch {
      // A folder that cannot be listed keeps what is in it.
    }
  }
}

function digest(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}

let known: string | undefined;

/** Numbers of processes mean something on one machine, and there in one name space, alone. */
function machine(): string {
  known ??= digest(`${hostname()} ${nameSpace()}`, 8);
  return known;
}

function nameSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}
