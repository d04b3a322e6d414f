/** Compares an emitted step with the interpreter, bit for bit, over several runs. */
import type { Backend } from '../../../runtime/select-backend.ts';
import { stepInputs } from '../../../src/cli/step-inputs.ts';
import { emitTypeScript } from '../../../src/codegen/emit/emit-typescript.ts';
import { type StepTensors, tensorsOf } from '../../../src/codegen/emit/tensors.ts';
import type { Compiled } from '../../../src/compile.ts';
import { bitwiseEqual, createExecution } from '../../../src/execution.ts';
import { writeSafetensors } from '../../../src/frontend/safetensors.ts';
import { importEmitted } from './emitted-step.ts';

const seed = 7;

/** Names of what differs after any of `runs` runs, both on one backend; none is the promise. */
export async function differencesFromInterpreter(
  compiled: Compiled,
  runs: number,
  backend: Backend,
): Promise<readonly string[]> {
  const { createStep, loadSafetensors } = await importEmitted(emitTypeScript(compiled, { backend }));
  const step = createStep({ seed });
  const loadable = [...compiled.graph.parameters, ...compiled.graph.state, ...compiled.graph.constants];
  const weights = new Map(loadable.map((value) => [value.name, compiled.weights.get(value.name)!]));
  step.load(loadSafetensors(writeSafetensors(weights)));
  const execution = createExecution(compiled, { seed, backend });
  const { tensors } = stepInputs(compiled.graph, new Map(), 1);
  execution.setInputs(tensors);
  const named = tensorsOf(compiled.program, compiled.update?.learningRate);
  const inputs = Object.fromEntries(named.inputs.map(({ key, name }) => [key, tensors.get(name)!.data]));
  const differences: string[] = [];
  for (let run = 0; run < runs; run++) {
    execution.setRandom(seed, run);
    execution.machine.run();
    const outputs = step.run(inputs);
    const groups = { outputs, gradients: step.gradients, parameters: step.parameters, state: step.state };
    for (const group of ['outputs', 'gradients', 'parameters', 'state'] satisfies (keyof StepTensors)[])
      for (const { key, slot } of named[group]) {
        const own = groups[group][key];
        if (own === undefined || !bitwiseEqual(own, execution.machine.view(slot)))
          differences.push(`run ${run}: ${group}.${key}`);
      }
  }
  return differences;
}
