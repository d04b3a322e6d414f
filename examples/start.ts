/**
 * `npm start`: a ResNet-18 exported by PyTorch, compiled without recomputation and with the strategy `memory`, run both
 * ways, and compared. Writes the graph, its drawing and the plan.
 */
import { fileURLToPath } from 'node:url';
import { describeCompiled, writeEmitted } from '../src/cli/commands/compile.ts';
import { compareRuns, describeRun, execute } from '../src/cli/commands/run.ts';
import { prepareModel } from '../src/cli/prepare-model.ts';
import { stepInputs } from '../src/cli/step-inputs.ts';
import { compile } from '../src/index.ts';

const path = fileURLToPath(new URL('models/resnet18.onnx', import.meta.url));
const name = 'examples/models/resnet18.onnx';
const prepared = await prepareModel(path, {
  dim: {},
  params: [],
  trainable: [],
  freeze: [],
  wrt: 'parameters',
  seed: 1,
});
const { tensors } = stepInputs(prepared.model.graph, new Map(), 1);
const measured = { steps: 3, seed: 1 };
const before = execute(compile(prepared.model, { losses: prepared.losses, strategy: 'none' }), tensors, measured);
const after = execute(compile(prepared.model, { losses: prepared.losses, strategy: 'memory' }), tensors, measured);
const differences = compareRuns(after, before);

console.log('before');
console.log(describeCompiled(name, before.compiled));
console.log('\nafter');
console.log(describeCompiled(name, after.compiled));
console.log('\nboth, run');
process.stdout.write(describeRun(name, after, before, differences));
for (const file of writeEmitted(after.compiled, ['ir', 'dot', 'plan'], 'out')) console.log(`wrote ${file}`);
if (differences.length > 0) process.exitCode = 70;
