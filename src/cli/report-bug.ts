/** What is left of an internal failure (exit code 70): one file from which it runs again, and a line that says so. */
import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassFailure } from '../../passes/pass-manager.ts';
import { writeFileAtomically } from '../files/write-file.ts';
import { SublinearError } from '../ir/diagnostic.ts';
import { printGraph } from '../ir/print.ts';
import { graphPlaceholder, printReproducer, type Reproducer } from './reproducer.ts';
import { version } from './version.ts';

/**
 * Writes the file into `folder`, or into a fresh private folder among the system's temporary files: never into the
 * working folder by itself, where a hostile model could then make files appear. Returns the message.
 */
export function reportBug(error: unknown, argv: readonly string[], folder: string | undefined): string {
  const text = describeBug(error);
  try {
    const reproducer = reproducerOf(error, argv);
    const place = folder ?? mkdtempSync(join(tmpdir(), 'sublinear-failure-'));
    const path = join(place, nameOf(reproducer, text));
    writeFileAtomically(path, printReproducer(reproducer));
    return `${text}  hint: please report it with ${path}, which \`sublinear repro\` runs again\n`;
  } catch (fault) {
    const why = fault instanceof Error ? fault.message : String(fault);
    return `${text}${stackOf(error)}\n  note: there is no file to run it again: ${why}\n`;
  }
}

export function describeBug(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return `error: ${error instanceof SublinearError ? message : `this is a bug of sublinear: ${message}`}\n`;
}

/** The same failure has the same name, so that one that comes again leaves no second file. */
function nameOf({ argv, folder, graph }: Reproducer, text: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([argv, folder, text, graph?.text]))
    .digest('hex');
  return `sublinear-failure-${digest.slice(0, 8)}.${graph === undefined ? 'txt' : 'ir'}`;
}

function reproducerOf(error: unknown, argv: readonly string[]): Reproducer {
  const remarks = `sublinear ${version}, ${describeBug(error)}found by: ${JSON.stringify(['sublinear', ...argv])}`;
  const folder = process.cwd();
  if (!(error instanceof PassFailure)) return { argv, folder, remarks: `${remarks}\n${stackOf(error)}` };
  return { ...passReproducer(error), folder, remarks: `${remarks}\n${stackOf(error.cause)}` };
}

/** The graph before the failing pass, the rest of the pipeline, and the numbers that passes may look at. */
function passReproducer(failure: PassFailure): Pick<Reproducer, 'argv' | 'graph'> {
  const { model, pipeline, losses } = failure.reproducer;
  const output = model.graph.outputs.find(({ value }) => value === losses[0]);
  const differentiated = model.graph.nodes.some((node) => node.region === 'backward');
  const loss = losses.length === 1 && output !== undefined && !differentiated ? ['--loss', output.name] : [];
  const constants = new Map(
    model.graph.constants.flatMap((value) => {
      const tensor = model.weights.get(value.name);
      return tensor === undefined ? [] : [[value.name, tensor] as const];
    }),
  );
  return {
    argv: ['compile', graphPlaceholder, '--passes', pipeline, ...loss],
    graph: { text: printGraph(model.graph), weights: constants },
  };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
