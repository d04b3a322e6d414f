/** The module's generated source (but for fast math), for assembly that has been edited: built in a folder of its own, which is then removed. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { editedText, projectRoot, type SourceEdit } from './source-edit.ts';

const generated = 'runtime/wasm/kernels.generated.ts';

export function isAssembly(file: string): boolean {
  return file.startsWith('runtime/wasm/assembly/');
}

/** Texts by path from the root. Throws where the edited assembly does not compile. */
export function editedWasm(edit: SourceEdit): Readonly<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'sublinear-fault-'));
  try {
    for (const part of ['scripts', 'runtime', 'package.json'])
      cpSync(join(projectRoot, part), join(folder, part), { recursive: true });
    symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, edit.file), editedText(edit));
    execFileSync(process.execPath, [join(folder, 'scripts/build-wasm.mjs'), '--plain'], { cwd: folder, stdio: 'pipe' });
    return { [generated]: readFileSync(join(folder, generated), 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
