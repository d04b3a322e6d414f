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

/** The file that carries the WebAssembly kernels is written when the package is built, and not shipped as a source. */
export const generatedFile = 'wasm/kernels.generated.ts';
export const generatedNames = "export const kernelsWasm = '';\n";

/** Path of the kernel file that exports each function, by function name. */
export function kernelFiles(): ReadonlyMap<string, string> {
  return exportingFiles(join(runtimeDirectory(), 'kernels'), /^/, /^export function (\w+)/gm);
}

/** Path of the file that exports each function that wraps a WebAssembly kernel, by name. */
export function wrapperFiles(): ReadonlyMap<string, string> {
  return exportingFiles(runtimeDirectory(), /^wasm-/, /^export (?:function|const) (\w+)/gm);
}

/** Paths of the files whose names match `files`, by the names that `exports` finds in them. */
function exportingFiles(directory: string, files: RegExp, exports: RegExp): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const file of readdirSync(directory).sort()) {
    if (!files.test(file) || !file.endsWith('.ts') || file.endsWith('.d.ts')) continue;
    const path = join(directory, file);
    for (const match of readFileSync(path, 'utf8').matchAll(exports)) paths.set(match[1]!, path);
  }
  return paths;
}
