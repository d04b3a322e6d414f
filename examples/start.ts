/**
 * `npm start`: a MobileNetV3 exported by PyTorch, compiled without recomputation and with the strategy `memory`, run both
 * ways, and compared. Writes the graph, its drawing and the plan.
 */
import { fileURLToPath } from 'node:url';
import { residentFigures } from '../src/analysis/figures.ts';
import { emitters, writeEmitted } from '../src/cli/emit.ts';
import { formatChange, formatFlops, formatSeconds, formatTable } from '../src/cli/format.ts';
import { prepareModel } from '../src/cli/prepare-model.ts';
import { compareRuns, executeAll, type RunResult } from '../src/cli/run-step.ts';
import { stepInputs } from '../src/cli/step-inputs.ts';
import { compile } from '../src/index.ts';
import { formatBytes } from '../src/inspect/format-bytes.ts';

const name = 'examples/models/mobilenet_v3_small.onnx';
const prepared = await prepareModel(fileURLToPath(new URL(`../${name}`, import.meta.url)), {
  dim: {},
  params: [],
  trainable: [],
  freeze: [],
  wrt: 'parameters',
  seed: 1,
});
const { model, losses } = prepared;
const { tensors } = stepInputs(model.graph, prepared.given, 1);
const [before, after] = executeAll(
  ['none', 'memory'].map((strategy) => compile(model, { losses, strategy })),
  tensors,
  { steps: 5, seed: 1 },
);
if (before === undefined || after === undefined) throw new Error('both steps run');

function row(title: string, format: (value: number) => string, of: (run: RunResult) => number): readonly string[] {
  return [title, format(of(before!)), format(of(after!)), formatChange(of(after!), of(before!))];
}

const resident = ({ compiled }: RunResult) => residentFigures(compiled.graph);
const figures = ({ compiled }: RunResult) => compiled.figures;

console.log(`${name}: one training step, before (strategy none) and after (strategy memory)\n`);
console.log(
  formatTable(
    [
      ['', 'before', 'after', 'change'],
      row('parameters', formatBytes, (run) => resident(run).parameters),
      row('inputs', formatBytes, (run) => resident(run).inputs),
      row('state', formatBytes, (run) => resident(run).state),
      row('constants', formatBytes, (run) => resident(run).constants),
      row('arena: activations and gradients', formatBytes, (run) => figures(run).arenaBytes),
      row('arena as measured in the run', formatBytes, (run) => run.measuredArenaBytes),
      row('peak', formatBytes, (run) => figures(run).peakBytes),
      row('nodes', String, (run) => figures(run).nodes),
      row('flops', formatFlops, (run) => figures(run).flops),
      row('seconds a step', formatSeconds, (run) => run.seconds),
    ],
    '  ',
  ),
);
const differences = compareRuns(after, before);
console.log(
  differences.length === 0
    ? `\nloss ${after.loss}, gradients and state are equal bit for bit\n`
    : `\nNOT EQUAL: ${differences.join(', ')}\n`,
);
for (const file of await writeEmitted(after.compiled, Object.keys(emitters), 'out')) console.log(`wrote ${file}`);
console.log('\nnext: npx sublinear inspect MODEL.onnx, npx sublinear run MODEL.onnx --compare');
if (differences.length > 0) process.exitCode = 70;
