/** Compiles a model with and without recomputation, runs both, and prints what changed. Shared by the examples. */

import { stepInputs } from '../src/cli/step-inputs.ts';
import { bitwiseDifferences } from '../src/execution.ts';
import { type BuiltModel, type Compiled, compile, createExecution, type Tensor } from '../src/index.ts';

interface Outcome {
  readonly compiled: Compiled;
  readonly loss: number;
  readonly outputs: ReadonlyMap<string, Tensor>;
}

function run(model: BuiltModel, strategy: string): Outcome {
  const compiled = compile(model, {
    losses: model.losses,
    strategy,
    strategyOptions: strategy === 'manual' ? { values: model.checkpoints } : {},
  });
  const execution = createExecution(compiled);
  execution.setInputs(stepInputs(compiled.graph, new Map(), 1).tensors);
  execution.machine.run();
  const outputs = execution.outputs();
  return { compiled, loss: outputs.get('loss')?.data[0] ?? Number.NaN, outputs };
}

/** Prints one line a strategy; throws if any result differs in a bit from ordinary backpropagation. */
export function compare(model: BuiltModel, strategies: readonly string[]): void {
  const plain = run(model, 'none');
  const line = ({ compiled, loss }: Outcome): string => {
    const { arenaBytes, flops, recomputedNodes } = compiled.figures;
    return `${compiled.plan.strategy.padEnd(10)} arena ${String(arenaBytes).padStart(10)} bytes, ${(flops / 1e6).toFixed(1).padStart(8)} Mflop, ${String(recomputedNodes).padStart(4)} nodes recomputed, loss ${loss}`;
  };
  console.log(`${model.graph.name}: ${plain.compiled.planned.nodes.length} nodes`);
  console.log(line(plain));
  for (const strategy of strategies) {
    const outcome = run(model, strategy);
    const differences = bitwiseDifferences(plain.outputs, outcome.outputs);
    if (differences.length > 0) throw new Error(`${strategy} changed ${differences.join(', ')}`);
    console.log(line(outcome));
  }
  console.log('loss and gradients are equal bit for bit');
}

/** Whether a module is the program that was started. */
export function isMain(url: string): boolean {
  const started = process.argv[1];
  return (
    started !== undefined &&
    new URL(`file://${started}`).pathname.replace(/\.[jt]s$/, '') === new URL(url).pathname.replace(/\.[jt]s$/, '')
  );
}
