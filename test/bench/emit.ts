/**
 * Emission of TypeScript: seconds to write a step of many nodes and to type-check what was written; how large emitted
 * modules are, and how fast they run beside the interpreter on the same kernels, in turns in one process. Those times are the
 * processor's, which other processes disturb less.
 */
import type { Backend } from '../../runtime/select-backend.ts';
import { formatTable } from '../../src/cli/format.ts';
import { stepInputs } from '../../src/cli/step-inputs.ts';
import { checkEmitted } from '../../src/codegen/emit/check-emitted.ts';
import { emitTypeScript } from '../../src/codegen/emit/emit-typescript.ts';
import { tensorsOf } from '../../src/codegen/emit/tensors.ts';
import { type Compiled, compile } from '../../src/compile.ts';
import { createExecution } from '../../src/execution.ts';
import type { BuiltModel } from '../../src/frontend/builder/model-builder.ts';
import { importEmitted } from '../codegen/emit/emitted-step.ts';
import { tanhChain } from '../large-models.ts';
import { cifarResNet } from './cifar-resnet.ts';
import { gpt2, perceptron } from './step-models.ts';
import { median } from './turns.ts';

export async function emitTable(): Promise<string> {
  return `${writingTable()}\n\n${await runningTable()}`;
}

function writingTable(): string {
  const rows = [['nodes', 'lines', 'functions', 'emit s', 'type-check s']];
  for (const layers of [700, 7_000]) {
    const model = tanhChain(layers);
    const compiled = compile(model, { losses: model.losses, strategy: 'memory' });
    const started = performance.now();
    const text = emitTypeScript(compiled);
    const emitted = performance.now();
    const faults = checkEmitted(text);
    if (faults.length > 0) throw new Error(faults[0]);
    rows.push([
      String(compiled.figures.nodes),
      String(text.split('\n').length),
      String(text.match(/^function /gm)?.length ?? 0),
      ((emitted - started) / 1000).toFixed(2),
      ((performance.now() - emitted) / 1000).toFixed(2),
    ]);
  }
  return formatTable(rows);
}

const models: readonly (readonly [name: string, build: () => BuiltModel])[] = [
  ['perceptron 8 x 512, batch 256', () => perceptron()],
  ['ResNet-20, batch 16', () => cifarResNet(3, 16)],
  ['GPT-2 of 2 layers of 256, 128 tokens', () => gpt2(2, 128, 256, 8, 2000)],
];

/** Slower steps are run less often. */
const secondsEach = 12;

async function runningTable(): Promise<string> {
  const rows = [
    ['step', 'kernels', 'module KB', 'of these wasm', 'interpreter ms', 'emitted ms', 'emitted / interpreter'],
  ];
  for (const [name, build] of models) {
    const model = build();
    const compiled = compile(model, { losses: model.losses, strategy: 'memory' });
    for (const backend of ['js', 'wasm'] as const) rows.push([name, backend, ...(await measure(compiled, backend))]);
  }
  return formatTable(rows);
}

async function measure(compiled: Compiled, backend: Backend): Promise<readonly string[]> {
  const text = emitTypeScript(compiled, { backend });
  const { createStep } = await importEmitted(text);
  const step = createStep();
  step.load(
    Object.fromEntries(
      [...compiled.weights]
        .filter(([name]) => compiled.memory.offsets.has(name))
        .map(([name, { data }]) => [name, data]),
    ),
  );
  const { tensors } = stepInputs(compiled.graph, new Map(), 1);
  const execution = createExecution(compiled, { backend });
  execution.setInputs(tensors);
  const inputs = Object.fromEntries(
    tensorsOf(compiled.program).inputs.map(({ key, name }) => [key, tensors.get(name)!.data]),
  );
  const timed = (run: () => void): number => {
    const started = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1000;
  };
  const interpreted = (): number => timed(() => execution.machine.run());
  const emitted = (): number => timed(() => step.run(inputs));
  const warm = [interpreted(), emitted(), interpreted(), emitted()];
  const turns = Math.max(5, Math.min(200, Math.round((1000 * secondsEach) / (2 * median(warm)))));
  const times = Array.from({ length: turns }, (_, turn): readonly [number, number] => {
    if (turn % 2 === 0) return [interpreted(), emitted()];
    const own = emitted();
    return [interpreted(), own];
  });
  const carried = /^ {2}'(\S+)';$/.exec(text.trimEnd().split('\n').at(-1)!)?.[1] ?? '';
  return [
    (text.length / 1000).toFixed(0),
    backend === 'js' ? '' : (carried.length / 1000).toFixed(0),
    median(times.map(([a]) => a)).toFixed(1),
    median(times.map(([, b]) => b)).toFixed(1),
    median(times.map(([a, b]) => b / a)).toFixed(3),
  ];
}
