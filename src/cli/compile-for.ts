/** One compilation for a command, with the debug ladder's flags: traces, timings, verification. */
import { type Compiled, type CompileOptions, compile } from '../compile.ts';
import { printGraph } from '../ir/print.ts';
import type { ModelOptions, PlanOptions } from './options.ts';
import { strategyOptions } from './options.ts';
import type { PreparedModel } from './prepare-model.ts';

export type CommandOptions = ModelOptions & PlanOptions;

export function compileOptions(prepared: PreparedModel, options: CommandOptions): CompileOptions {
  return {
    losses: prepared.losses,
    wrt: wrtOf(options.wrt),
    freeze: options.freeze,
    trainable: options.trainable,
    strategy: options.strategy,
    strategyOptions: strategyOptions(options, prepared.checkpoints),
    costs: options.costs,
    verify: options.verify === 'each' ? 'each' : 'ends',
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

export function compileFor(prepared: PreparedModel, options: CommandOptions): Compiled {
  return compile(prepared.model, compileOptions(prepared, options));
}
