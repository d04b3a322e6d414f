/**
 * The one file that is left of an internal failure: what `sublinear repro` runs again. A head of comments holds the
 * command line and, where a pass failed, the numbers it may have looked at; the rest is the graph that the pass was given,
 * in the text form. So the file reads like any other graph.
 */
import { z } from 'zod';
import { readSafetensors, writeSafetensors } from '../frontend/safetensors.ts';
import { SublinearError } from '../ir/diagnostic.ts';
import type { Tensor } from '../ir/graph.ts';

export interface Reproducer {
  /** Words of the command line; `graphPlaceholder` stands for the graph of this file. */
  readonly argv: readonly string[];
  /** Where it was run: what its paths are relative to. */
  readonly folder: string;
  /** What happened, for people. */
  readonly remarks: string;
  readonly graph?: { readonly text: string; readonly weights: ReadonlyMap<string, Tensor> };
}

export const graphPlaceholder = '{graph}';

const firstLine = '// sublinear-reproducer/1';
const commandMark = '// command ';
const weightsMark = '// weights ';
/** Letters of a line of weights. */
const lineLength = 100;

const commandSchema = z.object({ argv: z.array(z.string()), folder: z.string() });

export function printReproducer({ argv, folder, remarks, graph }: Reproducer): string {
  const said = remarks.split('\n').map((line) => `// | ${line}`.trimEnd());
  const stored = graph === undefined || graph.weights.size === 0 ? '' : base64Of(graph.weights);
  const weights = Array.from({ length: Math.ceil(stored.length / lineLength) }, (_, i) =>
    stored.slice(i * lineLength, (i + 1) * lineLength),
  );
  return [
    ...[firstLine, '// run again: sublinear repro FILE', ...said],
    `${commandMark}${JSON.stringify({ argv, folder })}`,
    ...weights.map((line) => `${weightsMark}${line}`),
    graph?.text ?? '',
  ].join('\n');
}

/** Throws `SublinearError` for a file that is none. */
export function parseReproducer(text: string): Reproducer {
  const lines = text.split('\n');
  const command = lines.find((line) => line.startsWith(commandMark));
  if (lines[0]?.trimEnd() !== firstLine || command === undefined) throw noReproducer('it does not begin like one');
  const parsed = commandSchema.safeParse(parseJson(command.slice(commandMark.length)));
  if (!parsed.success) throw noReproducer('its command is not valid');
  const weights = lines
    .filter((line) => line.startsWith(weightsMark))
    .map((line) => line.slice(weightsMark.length).trim())
    .join('');
  const body = lines.filter((line) => !line.startsWith('//')).join('\n');
  return {
    ...parsed.data,
    remarks: lines.flatMap((line) => (line.startsWith('// |') ? [line.slice(4).trim()] : [])).join('\n'),
    ...(body.trim() !== '' && {
      graph: { text: body, weights: weights === '' ? new Map() : readSafetensors(Buffer.from(weights, 'base64')) },
    }),
  };
}

function base64Of(weights: ReadonlyMap<string, Tensor>): string {
  const bytes = writeSafetensors(weights);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function noReproducer(why: string): SublinearError {
  return new SublinearError({
    code: 'not-a-reproducer',
    message: `this is no reproducer of sublinear: ${why}`,
    hint: 'give the file that a failure with exit code 70 names',
  });
}
