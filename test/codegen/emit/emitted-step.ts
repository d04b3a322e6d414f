/** Runs emitted modules in tests: strips their types, imports them from a temporary folder. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import type { Step, StepOptions, Tensors } from '../../../runtime/step.ts';
import type { BackendError } from '../../../runtime/wasm-support.ts';

type Views = Readonly<Record<string, Float32Array>>;
export type AnyStep = Step<Readonly<Record<string, unknown>>, Views, Views, Views, Views>;

/** `Options`: what `createStep` takes, which depends on the backend. */
export interface EmittedModule<Options = StepOptions> {
  createStep(options?: Options): AnyStep;
  loadSafetensors(bytes: Uint8Array): Tensors;
  /** Of WebAssembly. */
  readonly BackendError: typeof BackendError;
  readonly arenaBytes: number;
  readonly residentBytes: number;
}

export function stripTypes(text: string): string {
  const { outputText, diagnostics = [] } = ts.transpileModule(text, {
    reportDiagnostics: true,
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
  });
  if (diagnostics.length > 0) throw new Error(ts.flattenDiagnosticMessageText(diagnostics[0]!.messageText, '\n'));
  return outputText;
}

export async function importEmitted<Options = StepOptions>(text: string): Promise<EmittedModule<Options>> {
  const directory = mkdtempSync(join(tmpdir(), 'emitted-'));
  try {
    const path = join(directory, 'step.mjs');
    writeFileSync(path, stripTypes(text));
    return await import(/* @vite-ignore */ pathToFileURL(path).href);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const options: ts.CompilerOptions = {
  strict: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  noEmit: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  types: [],
};

/** Files from disk are parsed once: the library of the DOM alone takes a second. */
const libraries = new Map<string, ts.SourceFile | undefined>();

/** Type errors of several modules, by one program; `extra` options make it stricter. */
export function typeErrors(
  modules: Readonly<Record<string, string>>,
  extra: ts.CompilerOptions = {},
): readonly string[] {
  const all = { ...options, ...extra };
  const host = ts.createCompilerHost(all);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (name, ...rest) => {
    const text = modules[name];
    if (text !== undefined) return ts.createSourceFile(name, text, ts.ScriptTarget.ES2022);
    if (!libraries.has(name)) libraries.set(name, read(name, ...rest));
    return libraries.get(name);
  };
  const exists = host.fileExists.bind(host);
  host.fileExists = (name) => name in modules || exists(name);
  const program = ts.createProgram(Object.keys(modules), all, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map(
      (diagnostic) => `${diagnostic.file?.fileName}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')}`,
    );
}
