/**
 * The forward graph alone, in evaluation mode, in a memory of its own. Compiled when it is first asked for, once for
 * each set of inputs it is given: without labels, what needs no labels is computed.
 */
import { evaluationModel } from '../../passes/evaluation.ts';
import type { NumberArray } from '../../runtime/memory.ts';
import { type NamedTensor, tensorsOf } from '../codegen/emit/tensors.ts';
import { type Compiled, compile } from '../compile.ts';
import { createExecution, type Execution, type ExecutionOptions } from '../execution.ts';
import { SublinearError } from '../ir/diagnostic.ts';
import type { Model } from '../ir/graph.ts';
import { giveInputs, type InputRecord, matchInputs } from './give-inputs.ts';
import { type NamedViews, namedViews } from './named-views.ts';

export interface Evaluator {
  /** Throws `SublinearError`. `current` gives the numbers of a parameter or state value as they are now. */
  forward(given: InputRecord, current: (name: string) => NumberArray | undefined): NamedViews;
  /** The forward step for all inputs, for its figures. */
  compiled(): Compiled;
  /** Ends the threads beyond the caller's. */
  close(): void;
}

interface Prepared {
  readonly compiled: Compiled;
  readonly inputs: readonly NamedTensor[];
  readonly execution: Execution;
  readonly outputs: NamedViews;
}

/** `inputs` are those of the training step; ones that evaluation does not need may be given, and are passed over. */
export function createEvaluator(model: Model, inputs: readonly NamedTensor[], options: ExecutionOptions): Evaluator {
  const prepared = new Map<string, Prepared>();
  const compileFor = (names: ReadonlySet<string> | undefined): Compiled =>
    compile(evaluationModel(model, names), { losses: [], strategy: 'none' });
  const prepare = (names: readonly string[]): Prepared => {
    const key = JSON.stringify(names);
    const known = prepared.get(key);
    if (known !== undefined) return known;
    const evaluated = evaluationModel(model, new Set(names));
    if (evaluated.graph.outputs.length === 0) {
      const wanted = evaluationModel(model).graph.inputs.map((input) => input.name);
      throw new SublinearError({
        code: 'missing-input',
        message: `no output can be computed from ${names.length === 0 ? 'no inputs' : names.join(', ')}`,
        hint: `all of them need some of ${wanted.join(', ')}`,
      });
    }
    const compiled = compile(evaluated, { losses: [], strategy: 'none' });
    const execution = createExecution(compiled, options);
    const tensors = tensorsOf(compiled.program);
    const own = {
      compiled,
      execution,
      inputs: tensors.inputs,
      outputs: namedViews(tensors.outputs, execution.machine),
    };
    prepared.set(key, own);
    return own;
  };
  let whole: Compiled | undefined;
  return {
    compiled: () => (whole ??= compileFor(undefined)),
    close() {
      for (const { execution } of prepared.values()) execution.close();
    },
    forward(given, current) {
      const faults: SublinearError['diagnostics'][number][] = [];
      const matched = matchInputs(inputs, given, faults);
      if (faults.length > 0) throw new SublinearError(faults);
      const { compiled, execution, inputs: own, outputs } = prepare([...matched.keys()].map(({ name }) => name).sort());
      const needed = new Set(own.map(({ name }) => name));
      const used = [...matched]
        .filter(([{ name }]) => needed.has(name))
        .map(([{ name }, data]) => [name, data] as const);
      giveInputs(execution.machine, own, Object.fromEntries(used));
      for (const slot of [...compiled.program.parameters, ...compiled.program.state]) {
        const numbers = current(slot.name);
        if (numbers !== undefined) execution.machine.write(slot, numbers);
      }
      try {
        execution.machine.run();
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        throw new SublinearError({
          code: 'value-out-of-range',
          message: error.message,
          hint: 'an integer input holds a label or an index that is out of range',
        });
      }
      return outputs;
    },
  };
}
