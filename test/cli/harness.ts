/** Runs the command line in this process, as a shell would: what it printed, and its exit code. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, afterEach, vi } from 'vitest';
import { runCommandLine } from '../../src/cli/program.ts';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Captures all that is written to standard output and standard error until the command has ended. */
export async function sublinear(...argv: readonly string[]): Promise<CommandResult> {
  const written = { stdout: '', stderr: '' };
  const capture = (name: 'stdout' | 'stderr') =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      written[name] += typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk);
      return true;
    });
  const spies = [capture('stdout'), capture('stderr')];
  try {
    const code = await runCommandLine(argv);
    return { code, ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

const folders: Record<'test' | 'file', string[]> = { test: [], file: [] };

function removeAll(lifetime: 'test' | 'file'): void {
  for (const folder of folders[lifetime].splice(0)) rmSync(folder, { recursive: true, force: true });
}

afterEach(() => removeAll('test'));
afterAll(() => removeAll('file'));

/** A fresh folder, gone after the test, or after all tests of the file. */
export function temporaryFolder(lifetime: 'test' | 'file' = 'test'): string {
  const folder = mkdtempSync(join(tmpdir(), 'sublinear-'));
  folders[lifetime].push(folder);
  return folder;
}

/** Every file below a folder, sorted. */
export function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}
