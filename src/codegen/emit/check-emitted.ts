/**
 * Type-checks an emitted module as a strict project would, on demand: TypeScript takes seconds for it. The compiler and
 * its library files are those that ts-morph brings; nothing is read but the sources of the runtime.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadTsMorph } from './load-ts-morph.ts';
import { generatedFile, generatedNames, runtimeDirectory } from './runtime-sources.ts';

/** What TypeScript finds wrong, a line each; nothing where it is content. */
export function checkEmitted(text: string): readonly string[] {
  const { Project, ts } = loadTsMorph();
  const project = new Project({
    useInMemoryFileSystem: true,
    skipFileDependencyResolution: true,
    compilerOptions: {
      strict: true,
      noUnusedLocals: true,
      noUnusedParameters: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      types: [],
      paths: { 'sublinear/runtime': ['/runtime/index.ts'] },
    },
  });
  const file = project.createSourceFile('/step.ts', text);
  if (/from 'sublinear\/runtime';/.test(text)) {
    project.createSourceFile(join('/runtime', generatedFile), generatedNames);
    for (const path of ['', 'kernels'])
      for (const name of readdirSync(join(runtimeDirectory(), path)))
        if (name.endsWith('.ts') && !name.endsWith('.d.ts'))
          project.createSourceFile(
            join('/runtime', path, name),
            readFileSync(join(runtimeDirectory(), path, name), 'utf8'),
          );
  }
  return file.getPreEmitDiagnostics().map((diagnostic) => {
    const message = diagnostic.getMessageText();
    const words = typeof message === 'string' ? message : message.getMessageText();
    return `${diagnostic.getLineNumber() ?? 0}: ${words}`;
  });
}
