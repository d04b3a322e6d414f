/** One compilation for a command, with the debug ladder's flags: traces, timings, verification. */
import { stringOption } from '../../passes/pass.ts';
import { parsePipeline, printPipeline } from '../../passes/pipeline.ts';
import type { Plan } from '../../passes/plan/plan.ts';
import { strategies } from '../../passes/plan/strategies.ts';
import type { SearchSettings } from '../../passes/plan/strategy.ts';
import { type CompileOptions, pipelineOf } from '../compile.ts';
import { type Diagnostic, formatDiagnostic, SublinearError } from '../ir/diagnostic.ts';
import type { Graph } from '../ir/graph.ts';
import { printGraph } from '../ir/print.ts';
import type { ModelOptions, PlanOptions } from './options.ts';
import { strategyOptions } from './options.ts';
import type { PreparedModel } from './prepare-model.ts';
import { printNotes } from './print-notes.ts';
import { searchSettings, stoppedNote } from './search-settings.ts';
import { type UpdateOptions, updateOptions } from './update-options.ts';

export type CommandOptions = ModelOptions & PlanOptions & UpdateOptions;

/** `search` is for commands that watch several compilations together. */
export async function compileOptions(
  prepared: PreparedModel,
  options: CommandOptions,
  search?: SearchSettings,
): Promise<CompileOptions> {
  const said = new Set<string>();
  return {
    losses: prepared.losses,
    wrt: wrtOf(options.wrt),
    freeze: options.freeze,
    ...prepared.trained,
    ...updateOptions(options),
    strategy: options.strategy,
    strategyOptions: strategyOptions(options, prepared.checkpoints),
    costs: options.costs,
    verify: options.verify === 'each' ? 'each' : 'ends',
    ...(searches(options) && { search: search ?? (await searchSettings()) }),
    ...(options.passes !== undefined && { pipeline: options.passes }),
    ...(options.stopAfter !== undefined && { stopAfter: options.stopAfter }),
    onPass: ({ pass, seconds, changed, compilation }) => {
      // What one of several compilations of a command says, the others need not repeat.
      const notes = [
        ...(pass === 'autodiff' ? (compilation.notes ?? []) : []),
        ...(pass === 'plan' && compilation.plan !== undefined ? planNotes(compilation.plan) : []),
      ].filter((note) => !said.has(formatDiagnostic(note)));
      printNotes(notes);
      for (const note of notes) said.add(formatDiagnostic(note));
      if (options.timings === true)
        process.stderr.write(`${pass.padEnd(14)} ${(seconds * 1000).toFixed(1).padStart(9)} ms\n`);
      if (options.printAfter === pass || (options.printAfter === 'changed' && changed))
        process.stderr.write(`after ${pass}:\n${printGraph(compilation.model.graph)}`);
    },
  };
}

/** Whether a plan is searched for, by the options or by the pipeline that they spell out. */
function searches({ strategy, passes }: CommandOptions): boolean {
  const stages = passes === undefined ? [{ pass: 'plan', options: { strategy } }] : parsePipeline(passes);
  return stages.some(({ pass, options }) => pass === 'plan' && isSearch(stringOption(options, 'strategy', 'memory')));
}

function isSearch(strategy: string): boolean {
  return strategies.get(strategy)?.bounded !== undefined;
}

/** What the user should know of how a plan came about. */
export function planNotes({ costs, stopped, sequence }: Plan): readonly Diagnostic[] {
  const notes: Diagnostic[] = [];
  if (costs !== undefined && costs.unmeasured > 0)
    notes.push({
      code: 'unmeasured-costs',
      message: `${costs.file} has no cost for ${costs.unmeasured} of ${new Set(sequence).size} nodes: theirs is taken from the roofline`,
    });
  if (stopped === true) notes.push(stoppedNote);
  return notes;
}

function wrtOf(text: string): 'parameters' | 'inputs' | 'all' {
  return text === 'inputs' || text === 'all' ? text : 'parameters';
}

/** Throws `SublinearError` (exit code 2) for a flag that waits for a pass which does not run. */
export function checkPassNames(graph: Graph, own: CompileOptions, options: CommandOptions): void {
  const stages = pipelineOf(graph, own);
  const { stopAfter, printAfter } = options;
  for (const name of [stopAfter, printAfter === 'changed' ? undefined : printAfter])
    if (name !== undefined && !stages.some((stage) => stage.pass === name))
      throw new SublinearError(
        { code: 'pass-not-run', message: `the pass ${name} is not in the pipeline ${printPipeline(stages)}` },
        2,
      );
}

/** What the options ask for that the graph as it comes leaves no choice in. */
export function optionNotes(graph: Graph, options: CommandOptions): readonly Diagnostic[] {
  const differentiated = graph.nodes.some((node) => node.region === 'backward');
  const rewritten = graph.nodes.some((node) => node.recompute !== undefined);
  const notes: Diagnostic[] = [];
  if (rewritten && options.passes === undefined)
    notes.push({
      code: 'comes-rewritten',
      message: 'the graph comes with its recomputations: they are kept as they are, and no strategy plays a part',
    });
  if (differentiated && (options.loss !== undefined || options.freeze.length + options.trainable.length > 0))
    notes.push({
      code: 'comes-differentiated',
      message: 'the graph comes with its backward pass: --loss, --freeze and --trainable play no part',
    });
  return notes;
}
