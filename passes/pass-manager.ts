/**
 * The pass manager: resolves a pipeline, refuses orders that would be wrong, runs, verifies, times and traces.
 *
 * A pass that fails leaves a `PassFailure` with all that is needed to run it again: the pipeline from there on and the
 * IR it was given.
 */
import { assertVerified } from '../src/analysis/verify.ts';
import { nearestName, SublinearError } from '../src/ir/diagnostic.ts';
import type { Graph, Model } from '../src/ir/graph.ts';
import { printGraph } from '../src/ir/print.ts';
import type { Compilation, Fact, Pass } from './pass.ts';
import { passes } from './passes.ts';
import { type PipelineStage, printPipeline } from './pipeline.ts';

export interface PassEvent {
  readonly pass: string;
  readonly seconds: number;
  readonly changed: boolean;
  readonly compilation: Compilation;
}

export interface PipelineOptions {
  /** `each`: verify, and compare the text with the pass's claim, after every pass. Default `ends`. */
  readonly verify?: 'each' | 'ends';
  /** Name of the last pass to run. */
  readonly stopAfter?: string;
  readonly onPass?: (event: PassEvent) => void;
}

/** What runs a failure again: the rest of the pipeline, on the model as it was before. */
export interface Reproducer {
  readonly pipeline: string;
  readonly model: Model;
  readonly losses: readonly string[];
}

/** An internal error in a pass, or a graph that is not valid after it. */
export class PassFailure extends Error {
  readonly pass: string;
  readonly reproducer: Reproducer;
  constructor(pass: string, cause: unknown, reproducer: Reproducer) {
    super(`the pass ${pass} failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'PassFailure';
    this.pass = pass;
    this.reproducer = reproducer;
  }
}

/** Checks names, options and order of a pipeline. Throws `SublinearError` (exit code 2). */
export function resolvePipeline(
  stages: readonly PipelineStage[],
  initial: ReadonlySet<Fact> = new Set(),
): readonly Pass[] {
  const facts = new Set(initial);
  return stages.map((stage, position) => {
    const pass = passes.get(stage.pass);
    if (pass === undefined) throw usage(`unknown pass ${JSON.stringify(stage.pass)}`, stage.pass, passes.keys());
    for (const name of Object.keys(stage.options))
      if (!(name in pass.options))
        throw usage(`the pass ${pass.name} has no option ${JSON.stringify(name)}`, name, Object.keys(pass.options));
    const where = `${pass.name}, in place ${position + 1} of the pipeline,`;
    for (const fact of pass.requires)
      if (!facts.has(fact)) throw order(`${where} needs ${factText[fact]} first`, establishing(fact));
    for (const fact of pass.forbids)
      if (facts.has(fact)) throw order(`${where} must not run after ${factText[fact]}`, establishing(fact));
    for (const fact of pass.establishes) facts.add(fact);
    return pass;
  });
}

const factText: Readonly<Record<Fact, string>> = {
  backward: 'differentiation',
  optimized: 'an optimizer',
  plan: 'a plan',
  recomputed: 'the recompute rewrite, which it would undo',
  memory: 'a memory plan',
};

function establishing(fact: Fact): string {
  const names = [...passes.values()].filter((pass) => pass.establishes.includes(fact)).map((pass) => pass.name);
  return `that is done by ${names.join(', ')}; \`sublinear passes\` shows the order`;
}

/** Runs the stages in order. Throws `SublinearError` for faults of the input, `PassFailure` for our own. */
export function runPipeline(
  compilation: Compilation,
  stages: readonly PipelineStage[],
  options: PipelineOptions = {},
): Compilation {
  const resolved = resolvePipeline(stages, factsOf(compilation));
  const each = options.verify === 'each';
  assertVerified(compilation.model.graph, 'the input');
  let current = compilation;
  for (const [position, pass] of resolved.entries()) {
    const before = current;
    const textBefore = each ? printGraph(before.model.graph) : '';
    const started = performance.now();
    try {
      const result = pass.run(current, stages[position]!.options);
      const seconds = (performance.now() - started) / 1000;
      current = result.compilation;
      if (each) checkPass(pass, textBefore, current.model.graph, result.changed);
      options.onPass?.({ pass: pass.name, seconds, changed: result.changed, compilation: current });
    } catch (error) {
      if (error instanceof SublinearError && error.exitCode !== 70) throw error;
      throw new PassFailure(pass.name, error, reproducerOf(before, stages, position));
    }
    if (pass.name === options.stopAfter) break;
  }
  if (!each) {
    try {
      assertVerified(current.model.graph, 'the end of the pipeline');
    } catch (error) {
      throw new PassFailure(resolved.at(-1)?.name ?? 'none', error, reproducerOf(compilation, stages, 0));
    }
  }
  return current;
}

/** A graph alone brings no plan: what needs one is run again from the planning on, which left the graph as it was. */
function reproducerOf(before: Compilation, stages: readonly PipelineStage[], position: number): Reproducer {
  const { model, losses } = before;
  const facts = factsOf({ model, losses });
  const starts = (at: number): boolean => passes.get(stages[at]!.pass)!.requires.every((fact) => facts.has(fact));
  let start = position;
  while (start > 0 && !starts(start)) start--;
  return { pipeline: printPipeline(stages.slice(start)), model, losses };
}

/** What holds already: a graph may come differentiated, or with a plan made elsewhere. */
function factsOf(compilation: Compilation): ReadonlySet<Fact> {
  const { nodes } = compilation.model.graph;
  const facts = new Set<Fact>();
  if (nodes.some((node) => node.region === 'backward')) facts.add('backward');
  if (nodes.some((node) => node.recompute !== undefined)) facts.add('recomputed');
  if (compilation.plan !== undefined) facts.add('plan');
  return facts;
}

function checkPass(pass: Pass, before: string, graph: Graph, claimed: boolean): void {
  assertVerified(graph, `the pass ${pass.name}`);
  const changed = printGraph(graph) !== before;
  if (changed !== claimed)
    throw new Error(
      `it says it ${claimed ? 'changed' : 'did not change'} the graph, but the text ${changed ? 'differs' : 'is the same'}`,
    );
}

function usage(message: string, name: string, candidates: Iterable<string>): SublinearError {
  const nearest = nearestName(name, candidates);
  const hint = nearest === undefined ? '`sublinear passes` lists them' : `did you mean ${JSON.stringify(nearest)}?`;
  return new SublinearError({ code: 'bad-pipeline', message, hint }, 2);
}

function order(message: string, hint: string): SublinearError {
  return new SublinearError({ code: 'bad-pipeline-order', message, hint }, 2);
}
