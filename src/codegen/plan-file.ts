/**
 * Plan files: a plan as JSON, bound to the graph it was made for by a hash of the graph's text (DESIGN section 8).
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { MemoryPlan } from '../../passes/memory-plan.ts';
import type { Plan } from '../../passes/plan/plan.ts';
import { SublinearError } from '../ir/diagnostic.ts';
import type { Graph } from '../ir/graph.ts';
import { printGraph } from '../ir/print.ts';

const planFileFormat = 'sublinear-plan/1';

const planFileSchema = z.object({
  format: z.literal(planFileFormat),
  graph: z.string(),
  graphHash: z.string(),
  strategy: z.string(),
  options: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
  costModel: z.string(),
  /** Of measured costs: the file they came from, by the name it was given, and the hash of its contents. */
  costs: z.object({ file: z.string(), hash: z.string(), unmeasured: z.number() }).optional(),
  /** Bytes of arena that were allowed. */
  budget: z.number().optional(),
  /** The search was stopped before its end. */
  stopped: z.literal(true).optional(),
  sequence: z.array(z.string()),
  offsets: z.record(z.string(), z.number()),
  figures: z.object({
    liveBytes: z.number(),
    arenaBytes: z.number(),
    residentBytes: z.number(),
    cost: z.number(),
    baseCost: z.number(),
    lowerBound: z.number(),
    bound: z.string(),
  }),
});

export type PlanFile = z.infer<typeof planFileSchema>;

/** SHA-256 of the graph's text, in hexadecimal. */
export function graphHash(graph: Graph): string {
  return createHash('sha256').update(printGraph(graph)).digest('hex');
}

/** `planned` is the graph before the rewrite; offsets are those of the rewritten graph's values. */
export function printPlanFile(planned: Graph, plan: Plan, memory: MemoryPlan): string {
  const file: PlanFile = {
    format: planFileFormat,
    graph: planned.name,
    graphHash: graphHash(planned),
    strategy: plan.strategy,
    options: Object.fromEntries(
      Object.entries(plan.options).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
    ),
    costModel: plan.costModel,
    ...(plan.costs !== undefined && { costs: plan.costs }),
    ...(plan.budget !== undefined && { budget: plan.budget }),
    ...(plan.stopped === true && { stopped: plan.stopped }),
    sequence: [...plan.sequence],
    offsets: Object.fromEntries(memory.offsets),
    figures: {
      liveBytes: memory.liveBytes,
      arenaBytes: memory.arenaBytes,
      residentBytes: memory.residentBytes,
      cost: plan.cost,
      baseCost: plan.baseCost,
      lowerBound: plan.lowerBound,
      bound: plan.bound,
    },
  };
  return `${JSON.stringify(file, null, 1)}\n`;
}

/** Throws `SublinearError` that says what is wrong with the file. */
export function parsePlanFile(text: string, fileName: string): PlanFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new SublinearError({
      code: 'bad-plan-file',
      message: `${fileName} is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    });
  }
  const parsed = planFileSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new SublinearError({
    code: 'bad-plan-file',
    message: `${fileName} is not a plan file: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim(),
    hint: 'plan files are written by `sublinear compile MODEL --emit plan`',
  });
}

/** The plan of a file, for exactly this graph. Throws `SublinearError` where the hashes differ. */
export function planFromFile(file: PlanFile, planned: Graph, fileName: string): Plan {
  const hash = graphHash(planned);
  if (file.graphHash !== hash)
    throw new SublinearError({
      code: 'plan-of-another-graph',
      message: `${fileName} was made for another graph (${file.graph}, hash ${file.graphHash.slice(0, 12)}); this one is ${planned.name}, hash ${hash.slice(0, 12)}`,
      hint: 'compile the model anew with the same options the plan was made with, and save its plan with --emit plan',
    });
  return {
    strategy: file.strategy,
    options: file.options,
    costModel: file.costModel,
    ...(file.costs !== undefined && { costs: file.costs }),
    ...(file.budget !== undefined && { budget: file.budget }),
    ...(file.stopped !== undefined && { stopped: file.stopped }),
    sequence: file.sequence,
    liveBytes: file.figures.liveBytes,
    cost: file.figures.cost,
    baseCost: file.figures.baseCost,
    lowerBound: file.figures.lowerBound,
    bound: file.figures.bound,
  };
}
