/**
 * Costs files: measured costs as JSON, written by `sublinear run --profile FILE` and read by `--costs FILE`. A file
 * written by hand needs only its format and its costs.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { readText } from '../files/read-file.ts';
import { nearestName, SublinearError } from '../ir/diagnostic.ts';
import type { Graph } from '../ir/graph.ts';
import { opNamed } from '../ops/table.ts';
import { type CostModel, type CostModelName, type MeasuredCosts, measuredCost } from './cost-model.ts';

export const costsFileFormat = 'sublinear-costs/1';

const wholeNumber = z.number().int().nonnegative();

const costsFileSchema = z.object({
  format: z.literal(costsFileFormat),
  /** Name of the model whose step was measured, and the hash of its graph's text (`graphHash`). */
  model: z.string().optional(),
  graphHash: z.string().optional(),
  /** Kernels that were measured. */
  backend: z.string().optional(),
  /** Threads they ran on, where there were several. */
  threads: wholeNumber.optional(),
  /** Runs of the step that were timed. */
  runs: wholeNumber.optional(),
  /** Kinds of node that were measured: how many costs there are. */
  count: wholeNumber.optional(),
  slowdown: z.number().positive().optional(),
  /** Nanoseconds by `costKey`. */
  costs: z.record(z.string(), wholeNumber),
});

export type CostsFile = z.infer<typeof costsFileSchema>;

/** The costs come last, in the order of their names. */
export function printCostsFile({ costs, ...about }: CostsFile): string {
  const sorted = Object.fromEntries(Object.entries(costs).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ ...about, costs: sorted }, null, 1)}\n`;
}

/** Throws `SublinearError` that says what is wrong with the file. */
export function parseCostsFile(text: string, fileName: string): CostsFile & MeasuredCosts {
  const bad = (message: string): SublinearError =>
    new SublinearError({
      code: 'bad-costs-file',
      message: `${fileName} ${message}`,
      hint: 'costs files are written by `sublinear run MODEL --profile FILE`',
    });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw bad(`is not JSON: ${error instanceof Error ? error.message.slice(0, 120) : 'it cannot be read'}`);
  }
  const parsed = costsFileSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw bad(`is no file of costs: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trimEnd());
  }
  const { slowdown, ...file } = parsed.data;
  const count = Object.keys(file.costs).length;
  if (file.count !== undefined && file.count !== count)
    throw bad(`says it has ${file.count} costs, and has ${count}: it was changed or cut short`);
  return { ...file, ...(slowdown !== undefined && { slowdown }) };
}

/** A cost model as options name it. */
export interface NamedCostModel {
  readonly model: CostModel;
  /** For plans and reports: `measured` for a file. */
  readonly name: CostModelName | 'measured';
  /** Where measured costs came from. */
  readonly source?: CostsSource;
}

export interface CostsSource {
  /** As it was named. */
  readonly file: string;
  /** SHA-256 of its contents, in hexadecimal. */
  readonly hash: string;
}

/**
 * `roofline`, `unit`, or the path of a costs file (`./unit` for one of that name). Throws `SublinearError`: exit code 2
 * for a word that is neither a cost model nor a file, 1 for a file that is not there or not valid.
 */
export function costModelNamed(text: string): NamedCostModel {
  if (text === 'roofline' || text === 'unit') return { model: text, name: text };
  if (!/[./\\]/.test(text) && !existsSync(text)) {
    const nearest = nearestName(text, ['roofline', 'unit']);
    throw new SublinearError(
      {
        code: 'unknown-costs',
        message: `${JSON.stringify(text)} is neither a cost model nor a file`,
        hint: `${nearest === undefined ? '' : `did you mean ${JSON.stringify(nearest)}? `}costs are roofline, unit, or a file that run --profile wrote`,
      },
      2,
    );
  }
  const contents = readText(text, 'the costs');
  const hash = createHash('sha256').update(contents).digest('hex');
  return { model: parseCostsFile(contents, text), name: 'measured', source: { file: text, hash } };
}

/** How many nodes of a graph have no measured cost, views aside, which cost nothing. */
export function unmeasuredNodes(graph: Graph, model: CostModel): number {
  if (typeof model === 'string') return 0;
  return graph.nodes.filter((node) => opNamed(node.op).effect !== 'view' && measuredCost(model, node) === undefined)
    .length;
}
