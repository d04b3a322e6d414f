/**
 * Makes the page: compiles the model, emits its step as TypeScript, strips the types, and puts all of it into a folder
 * that any web server can hand out.
 *
 *   npx tsx examples/browser/build.ts out/browser
 *   npx http-server out/browser        (or any other; modules are not loaded from file: addresses)
 */
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { emitTypeScriptFiles } from '../../src/codegen/emit/emitted-files.ts';
import { loadTsMorph } from '../../src/codegen/emit/load-ts-morph.ts';
import { writeFilesAtomically } from '../../src/files/write-file.ts';
import { compile } from '../../src/index.ts';
import { isMain } from '../compare.ts';
import { model } from './model.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Writes the page and what it loads into `directory`. */
export function buildPage(directory: string): void {
  const compiled = compile(model, { losses: model.losses, strategy: 'memory', optimizer: { kind: 'sgd' } });
  const files = new Map<string, string | Uint8Array>();
  for (const [name, contents] of emitTypeScriptFiles(compiled, { backend: 'wasm', how: 'examples/browser/build.ts' }))
    if (typeof contents === 'string') files.set(name.replace(/\.ts$/, '.js'), stripTypes(contents));
    else files.set(name, contents);
  for (const name of ['train', 'draw'])
    files.set(`${name}.js`, stripTypes(readFileSync(join(here, `${name}.ts`), 'utf8')));
  writeFilesAtomically(new Map([...files].map(([name, contents]) => [join(directory, name), contents])));
  copyFileSync(join(here, 'index.html'), join(directory, 'index.html'));
}

function stripTypes(text: string): string {
  const { ts } = loadTsMorph();
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  return ts.transpileModule(text, { compilerOptions }).outputText;
}

if (isMain(import.meta.url)) {
  const directory = process.argv[2] ?? 'out/browser';
  buildPage(directory);
  console.log(`wrote ${directory}; serve it, and open index.html`);
}
