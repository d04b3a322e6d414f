/**
 * Whole training steps, and a forward pass, on the WebAssembly kernels, one thread: their time, the rate of useful flops
 * beside that of our own 512 by 512 matrix product, and which ops the time goes to. Beside them the same steps of other
 * libraries, where they are installed (test/bench/peers).
 */
import { spawnSync } from 'node:child_process';
import { matmulScratch } from '../../runtime/kernels/matmul.ts';
import { viewMemory } from '../../runtime/memory.ts';
import { createWasmKernels } from '../../runtime/wasm-backend.ts';
import { allocateWasmMemory } from '../../runtime/wasm-support.ts';
import { formatTable } from '../../src/cli/format.ts';
import { stepInputs } from '../../src/cli/step-inputs.ts';
import { type Compiled, compile } from '../../src/compile.ts';
import { createExecution, type Execution } from '../../src/execution.ts';
import type { BuiltModel } from '../../src/frontend/builder/model-builder.ts';
import { importOnnx } from '../../src/frontend/onnx/import.ts';
import { howToInstall, peerFile, runPeerProgram } from './peer-program.ts';
import { resNet18Onnx } from './resnet-onnx.ts';
import { gpt2, perceptron, resNet18 } from './step-models.ts';

interface TimedModel {
  readonly label: string;
  /** Name of the same step in the peers' programs. */
  readonly peer: string;
  readonly compiled: () => Compiled;
}

const timedModels: readonly TimedModel[] = [
  { label: 'MLP, 8 layers of 512, batch 256', peer: 'mlp', compiled: () => trainingStep(perceptron()) },
  { label: 'ResNet-18, batch 8, 224x224', peer: 'resnet18', compiled: () => trainingStep(resNet18()) },
  { label: 'GPT-2 small cut to 4 layers, 256 tokens, 50257 words', peer: 'gpt2', compiled: () => trainingStep(gpt2()) },
  { label: 'ResNet-18 forward, batch 8, 224x224', peer: 'resnet18-forward', compiled: resNet18Forward },
];

/** Plain SGD, nothing recomputed. */
function trainingStep(model: BuiltModel): Compiled {
  return compile(model, { losses: model.losses, strategy: 'none', optimizer: { kind: 'sgd' } });
}

/** As it predicts: batch norm by its stored statistics, nothing kept for gradients. */
export function resNet18Forward(): Compiled {
  return compile(importOnnx(resNet18Onnx()).model, { losses: [], strategy: 'none' });
}

/** Our matrix product of 512 by 512 by 512, eight times over. */
function matmulBurst(): { readonly run: () => void; readonly flops: number } {
  const [n, times] = [512, 8];
  const bytes = 4 * n * n;
  const memory = allocateWasmMemory(3 * bytes + matmulScratch(n, n, n));
  const matmul = createWasmKernels(memory).get('matmul');
  if (matmul === undefined) throw new Error('there is no kernel matmul');
  const m = viewMemory(memory.buffer);
  m.f32.fill(0.5);
  const numbers = [n, n, n, n, 1, n, 1, 0, 0];
  return {
    flops: times * 2 * n ** 3,
    run() {
      for (let i = 0; i < times; i++) matmul(m, 0, bytes, -1, 2 * bytes, 3 * bytes, ...numbers, [], [], [], []);
    },
  };
}

/** Median milliseconds of each, run in turns for at least 3 seconds and 5 rounds, so that load on the machine hits both. */
function inTurns(...runs: readonly (() => void)[]): readonly number[] {
  const times = runs.map((): number[] => []);
  for (const run of runs) run();
  for (let round = 0, end = performance.now() + 3000; round < 5 || performance.now() < end; round++)
    runs.forEach((run, i) => {
      const start = performance.now();
      run();
      times[i]!.push(performance.now() - start);
    });
  return times.map((own) => own.sort((a, b) => a - b)[own.length >> 1]!);
}

/** The step in memory, with inputs drawn by seed. */
export function stepOf(compiled: Compiled): Execution {
  const execution = createExecution(compiled, { backend: 'wasm' });
  const inputs = new Map(stepInputs(compiled.graph, new Map(), 1).tensors);
  const rate = inputs.get('learning_rate');
  if (rate !== undefined) inputs.set('learning_rate', { ...rate, data: Float32Array.of(1e-3) });
  execution.setInputs(inputs);
  return execution;
}

/** Milliseconds of each op of a step over `runs` runs, largest first: the median run's of each node, added up. */
function opTimes({ machine }: Execution, runs = 3): readonly (readonly [op: string, milliseconds: number])[] {
  const times = machine.program.steps.map((): number[] => []);
  for (let run = 0; run < runs; run++) machine.trace(({ index, start, end }) => times[index]!.push(end - start));
  const sums = new Map<string, number>();
  machine.program.steps.forEach(({ op }, index) => {
    const sorted = times[index]!.sort((a, b) => a - b);
    sums.set(op, (sums.get(op) ?? 0) + sorted[Math.floor(runs / 2)]!);
  });
  return [...sums].sort((a, b) => b[1] - a[1]);
}

/** The ten ops that take the most of a step. */
export function breakdown(execution: Execution): string {
  const times = opTimes(execution);
  const total = times.reduce((sum, [, milliseconds]) => sum + milliseconds, 0);
  const rows = times
    .slice(0, 10)
    .map(([op, milliseconds]) => [op, milliseconds.toFixed(2), ((100 * milliseconds) / total).toFixed(1)]);
  return formatTable([['op', 'ms', 'share %'], ...rows], '  ');
}

/** What a program of other libraries prints: lines `MODEL LIBRARY MILLISECONDS [OURS]`. */
function peerLines(printed: string): readonly (readonly string[])[] {
  return printed.split('\n').flatMap((line) => (line === '' ? [] : [line.split(' ')]));
}

function peerTimes(): readonly string[] {
  const javascript = peerLines(runPeerProgram('steps.ts', [], 'pipe') ?? '');
  const { stdout, status } = spawnSync('/usr/bin/python3', [peerFile('steps.py')], { encoding: 'utf8' });
  const python = status === 0 ? peerLines(stdout) : [];
  const notes: string[] = [];
  if (javascript.length === 0)
    notes.push(`TensorFlow.js, jax-js and onnxruntime-web are not installed ${howToInstall}`);
  else if (!javascript.some(([, library]) => library === 'onnxruntime-web'))
    notes.push(`onnxruntime-web is not installed ${howToInstall}`);
  if (python.length === 0) notes.push("PyTorch is not installed (Debian's python3-torch)");
  const rows = [...javascript, ...python].map(([model, library, milliseconds, ours]) => [
    timedModels.find(({ peer }) => peer === model)?.label ?? model!,
    library!,
    Number(milliseconds).toFixed(1),
    ...(ours === undefined ? ['', ''] : [Number(ours).toFixed(1), (Number(milliseconds) / Number(ours)).toFixed(2)]),
  ]);
  return [
    ...(rows.length > 0 ? [formatTable([['model', 'library', 'ms', 'ours in turns', 'ratio'], ...rows])] : []),
    ...notes,
  ];
}

/** Columns: median milliseconds of a step, GFLOP/s of useful flops, those of matmul in turns with it, their ratio. */
export function stepsTable(): string {
  const matmul = matmulBurst();
  const rows = [['model', 'ms', 'GFLOP', 'GFLOP/s', 'matmul 512', '%']];
  const parts: string[] = [];
  for (const { label, compiled } of timedModels) {
    const execution = stepOf(compiled());
    const [step, burst] = inTurns(() => execution.machine.run(), matmul.run);
    const { flops, recomputeFlops } = execution.compiled.figures;
    const useful = flops - recomputeFlops;
    const rate = useful / step! / 1e6;
    const own = matmul.flops / burst! / 1e6;
    const numbers = [step!.toFixed(1), (useful / 1e9).toFixed(1), rate.toFixed(1), own.toFixed(1)];
    rows.push([label, ...numbers, ((100 * rate) / own).toFixed(0)]);
    parts.push(`${label}\n${breakdown(execution)}`);
  }
  return [formatTable(rows), ...parts, ...peerTimes()].join('\n');
}
