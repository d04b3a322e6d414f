/**
 * What is left of an internal failure (exit code 70): a file from which it can be run again, and one line that says so.
 */
import { PassFailure } from '../../passes/pass-manager.ts';
import { writeFilesAtomically } from '../files/write-file.ts';
import { writeSafetensors } from '../frontend/safetensors.ts';
import { SublinearError } from '../ir/diagnostic.ts';
import { printGraph } from '../ir/print.ts';
import { version } from './version.ts';

const name = 'sublinear-failure';

/** Writes the files into the working folder. Returns the message. */
export function reportBug(error: unknown, argv: readonly string[]): string {
  const message = error instanceof Error ? error.message : String(error);
  const text = `error: ${error instanceof SublinearError ? message : `this is a bug of sublinear: ${message}`}\n`;
  const files = error instanceof PassFailure ? passReproducer(error, argv) : commandReproducer(error, argv);
  try {
    writeFilesAtomically(files);
  } catch {
    return `${text}${remarks(stackOf(error))}`;
  }
  const [path] = files.keys();
  return `${text}  hint: please report it with ${path}, which says how to run it again\n`;
}

/** The graph before the failing pass, the rest of the pipeline, and the numbers that passes may look at. */
function passReproducer(failure: PassFailure, argv: readonly string[]): ReadonlyMap<string, string | Uint8Array> {
  const { model, pipeline, losses } = failure.reproducer;
  const output = model.graph.outputs.find(({ value }) => value === losses[0]);
  const differentiated = model.graph.nodes.some((node) => node.region === 'backward');
  const loss = losses.length === 1 && output !== undefined && !differentiated ? ['--loss', output.name] : [];
  const again = ['sublinear', 'compile', `${name}.ir`, '--passes', pipeline, ...loss];
  const constants = new Map(
    model.graph.constants.flatMap((value) => {
      const tensor = model.weights.get(value.name);
      return tensor === undefined ? [] : [[value.name, tensor] as const];
    }),
  );
  const head = [
    `sublinear ${version}: ${failure.message}`,
    `found by: ${shellCommand(['sublinear', ...argv])}`,
    `run again: ${shellCommand(again)}`,
    stackOf(failure.cause),
  ];
  const files = new Map<string, string | Uint8Array>([
    [`${name}.ir`, `${remarks(head.join('\n'))}${printGraph(model.graph)}`],
  ]);
  if (constants.size > 0) files.set(`${name}.safetensors`, writeSafetensors(constants));
  return files;
}

function commandReproducer(error: unknown, argv: readonly string[]): ReadonlyMap<string, string> {
  const head = [`sublinear ${version}`, `run again: ${shellCommand(['sublinear', ...argv])}`, stackOf(error)];
  return new Map([[`${name}.txt`, `${head.join('\n')}\n`]]);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function remarks(text: string): string {
  return `${text
    .split('\n')
    .map((line) => `// ${line}`.trimEnd())
    .join('\n')}\n`;
}

function shellCommand(words: readonly string[]): string {
  return words.map((word) => (/^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
}
