/** `--emit`: the kinds of files that a compiled step can be written as. */
import { join } from 'node:path';
import { type EmittedFilesOptions, emitTypeScriptFiles } from '../codegen/emit/emitted-files.ts';
import { printPlanFile } from '../codegen/plan-file.ts';
import type { Compiled } from '../compile.ts';
import { assertWritable, writeFilesAtomically } from '../files/write-file.ts';
import { writeSafetensors } from '../frontend/safetensors.ts';
import { toDot } from '../inspect/dot.ts';
import { renderSvg } from '../inspect/svg.ts';
import { nearestName, SublinearError } from '../ir/diagnostic.ts';
import type { Model } from '../ir/graph.ts';
import { printGraph } from '../ir/print.ts';

type Contents = string | Uint8Array;

/** Files by name. */
export type EmittedFiles = ReadonlyMap<string, Contents>;

interface Emitter {
  /** The file there is in any case. */
  readonly file: string;
  make(compiled: Compiled, options?: EmittedFilesOptions): EmittedFiles | Promise<EmittedFiles>;
}

/** Of one text. */
function single(file: string, print: (compiled: Compiled) => string | Promise<string>): Emitter {
  return { file, make: async (compiled) => new Map([[file, await print(compiled)]]) };
}

/** What a kind of `--emit` makes of a compiled step; the options are those of `ts`. */
export const emitters: Readonly<Record<string, Emitter>> = {
  ir: { file: 'step.ir', make: ({ graph, weights }) => emitText({ graph, weights }) },
  dot: single('step.dot', ({ graph }) => toDot(graph)),
  svg: single('step.svg', ({ graph }) => renderSvg(toDot(graph))),
  plan: single('step.plan.json', ({ planned, plan, memory }) => printPlanFile(planned, plan, memory)),
  ts: { file: 'step.ts', make: emitTypeScriptFiles },
};

/** Throws `SublinearError` for a folder that could not be written into, before anything is planned. */
export function assertEmittable(kinds: readonly string[], directory: string): void {
  for (const kind of kinds) assertWritable(join(directory, emitters[kind]?.file ?? kind));
}

/** The graph's text and, where it has weights, their numbers beside it. */
export function emitText(model: Model): EmittedFiles {
  const files = new Map<string, Contents>([['step.ir', printGraph(model.graph)]]);
  if (model.weights.size > 0) files.set('step.safetensors', writeSafetensors(model.weights));
  return files;
}

/** The kinds of `--emit`, each once. Throws `SublinearError` (exit code 2) for one that does not exist. */
export function parseEmit(text: string | undefined): readonly string[] {
  const kinds = (text ?? '')
    .split(',')
    .map((kind) => kind.trim())
    .filter((kind) => kind !== '');
  for (const kind of kinds) {
    if (Object.hasOwn(emitters, kind)) continue;
    const nearest = nearestName(kind, Object.keys(emitters));
    throw new SublinearError(
      {
        code: 'unknown-emit',
        message: `--emit ${JSON.stringify(kind)} is unknown`,
        hint: `${nearest === undefined ? '' : `did you mean ${nearest}? `}it takes ${Object.keys(emitters).join(', ')}`,
      },
      2,
    );
  }
  return [...new Set(kinds)];
}

/** Makes every file before it writes the first. Returns the paths. */
export async function writeEmitted(
  compiled: Compiled,
  kinds: readonly string[],
  directory: string,
  options: EmittedFilesOptions = {},
): Promise<readonly string[]> {
  const made = await Promise.all(
    kinds.map((kind) => emitters[kind]?.make(compiled, options) ?? new Map<string, Contents>()),
  );
  return writeInto(directory, new Map(made.flatMap((files) => [...files])));
}

/** Returns the paths. */
export function writeInto(directory: string, files: EmittedFiles): readonly string[] {
  const placed = new Map([...files].map(([name, contents]) => [join(directory, name), contents]));
  writeFilesAtomically(placed);
  return [...placed.keys()];
}
