/**
 * Finds the TypeScript sources of the runtime: emitted modules carry kernels over from them. They are shipped beside
 * the compiled package, so both `src` and `dist/src` lead to them.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds `memory.ts` and `kernels/`. */
export function runtimeDirectory(): string {
  for (const up of ['../../../runtime/', '../../../../runtime/']) {
    const directory = fileURLToPath(new URL(up, import.meta.url));
    if (existsSync(join(directory, 'memory.ts'))) return directory;
  }
  throw new Error('the sources of the runtime are not installed beside the package');
}

/** Path of the kernel file that exports each function, by function name. */
export function kernelFiles(): ReadonlyMap<string, string> {
  const directory = join(runtimeDirectory(), 'kernels');
  const files = new Map<string, string>();
  for (const file of readdirSync(directory).sort()) {
    if (!file.endsWith('.ts') || file.endsWith('.d.ts')) continue;
    const path = join(directory, file);
    for (const match of readFileSync(path, 'utf8').matchAll(/^export function (\w+)/gm)) files.set(match[1]!, path);
  }
  return files;
}
