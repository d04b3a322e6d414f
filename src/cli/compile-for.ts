/** One compilation for a command, with the debug ladder's flags: traces, timings, verification. */
import { printPipeline } from '../../passes/pipeline.ts';
import { type CompileOptions, pipelineOf } from '../compile.ts';
import { type Diagnostic, SublinearError } from '../ir/diagnostic.ts';
import type { Graph } from '../ir/graph.ts';
import { printGraph } from '../ir/print.ts';
import type { ModelOptions, PlanOptions } from './options.ts';
import { strategyOptions } from './options.ts';
import type { PreparedModel } from './prepare-model.ts';
import { searchSettings } from './search-settings.ts';
import { type UpdateOptions, updateOptions } from './update-options.ts';

export type CommandOptions = ModelOptions & PlanOptions & UpdateOptions;

export async function compileOptions(prepared: PreparedModel, options: CommandOptions): Promise<CompileOptions> {
  return {
    losses: prepared.losses,
    wrt: wrtOf(options.wrt),
    freeze: options.freeze,
    trainable: options.trainable,
    ...updateOptions(options),
    strategy: options.strategy,
    strategyOptions: strategyOptions(options, prepared.checkpoints),
    costs: options.costs,
    verify: options.verify === 'each' ? 'each' : 'ends',
    ...(options.strategy === 'budget' && { search: await searchSettings() }),
    ...(options.passes !== undefined && { pipeline: options.passes }),
    ...(options.stopAfter !== undefined && { stopAfter: options.stopAfter }),
    onPass: ({ pass, seconds, changed, compilation }) => {
      if (options.timings === true)
        process.stderr.write(`${pass.padEnd(14)} ${(seconds * 1000).toFixed(1).padStart(9)} ms\n`);
      if (options.printAfter === pass || (options.printAfter === 'changed' && changed))
        process.stderr.write(`after ${pass}:\n${printGraph(compilation.model.graph)}`);
    },
  };
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
