/**
 * A case as a text that shows it again: the graph in the text form, with remarks that say how it is trained and what its
 * tensors hold.
 */
import { z } from 'zod';
import { allocateArray } from '../../runtime/memory.ts';
import { elementCount, residents, type Tensor } from '../../src/ir/graph.ts';
import { parseGraph } from '../../src/ir/parse.ts';
import { printGraph } from '../../src/ir/print.ts';
import type { Training } from '../random-training.ts';
import type { FuzzCase } from './fuzz-case.ts';

const caseMark = '// case ';
const numbersMark = '// numbers ';

const caseSchema = z.object({
  kind: z.enum(['table', 'shapes', 'joins', 'long']),
  losses: z.array(z.string()),
  seed: z.number(),
  training: z.object({
    optimizer: z
      .object({ kind: z.string() })
      .catchall(z.union([z.string(), z.number()]))
      .optional(),
    accumulate: z.number().optional(),
    clipNorm: z.number().optional(),
    clipValue: z.number().optional(),
    keepGradients: z.boolean().optional(),
    lossScale: z.number().optional(),
  }),
});

/** `remarks` are for people. */
export function printCase(subject: FuzzCase, remarks: readonly string[]): string {
  const { kind, model, losses, inputs, training, seed } = subject;
  const tensors = [...model.weights, ...inputs].map(([name, { data }]) => {
    const numbers = Array.from(data, (x) => (Object.is(x, -0) ? '-0' : String(x)));
    return `${numbersMark}${JSON.stringify(name)} ${numbers.join(' ')}`.trimEnd();
  });
  return [
    ...remarks.flatMap((text) => text.split('\n')).map((line) => `// | ${line}`),
    `${caseMark}${JSON.stringify({ kind, losses, seed, training })}`,
    ...tensors,
    printGraph(model.graph),
  ].join('\n');
}

function readNumbers(line: string): readonly [name: string, numbers: readonly number[]] {
  const match = /^("(?:[^"\\]|\\.)*") ?(.*)$/.exec(line.slice(numbersMark.length));
  if (match === null) throw new Error(`no numbers of a tensor: ${line.slice(0, 80)}`);
  return [z.string().parse(JSON.parse(match[1]!)), match[2] === '' ? [] : match[2]!.split(' ').map(Number)];
}

export function parseCase(text: string): FuzzCase {
  const lines = text.split('\n');
  const head = lines.find((line) => line.startsWith(caseMark));
  if (head === undefined) throw new Error(`this is no case: no line begins with ${JSON.stringify(caseMark)}`);
  const { kind, losses, seed, training } = caseSchema.parse(JSON.parse(head.slice(caseMark.length)));
  const graph = parseGraph(lines.filter((line) => !line.startsWith('//')).join('\n'));
  const numbers = new Map(lines.filter((line) => line.startsWith(numbersMark)).map(readNumbers));
  const tensors = new Map<string, Tensor>();
  for (const { name, type } of residents(graph)) {
    const given = numbers.get(name);
    if (given === undefined) continue;
    const data = allocateArray(type.dtype, elementCount(type.shape));
    data.forEach((_, i) => {
      data[i] = given[i] ?? 0;
    });
    tensors.set(name, { type, data });
  }
  const inputNames = new Set(graph.inputs.map((input) => input.name));
  const split = (inputs: boolean): Map<string, Tensor> =>
    new Map([...tensors].filter(([name]) => inputNames.has(name) === inputs));
  return {
    kind,
    losses,
    seed,
    training: given(training),
    model: { graph, weights: split(false) },
    inputs: split(true),
  };
}

/** Without what was left out. */
function given(training: { readonly [K in keyof Training]?: Training[K] | undefined }): Training {
  return Object.fromEntries(Object.entries(training).filter(([, value]) => value !== undefined));
}
