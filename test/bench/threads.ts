/**
 * One thread against two (or `threads`): the same calls and steps, in turns in one process, each in a memory of its own.
 * Of every node the fastest of many runs, added up over the step: other processes only ever make a run slower, and on a
 * machine that has others to serve, no whole step on all cores is left alone.
 */
import { existsSync } from 'node:fs';
import { createMachine, type Machine } from '../../runtime/interpreter.ts';
import {
  conv,
  convGradInput,
  convGradInputScratch,
  convGradWeight,
  convGradWeightScratch,
  convScratch,
} from '../../runtime/kernels/conv.ts';
import { matmul, matmulScratch } from '../../runtime/kernels/matmul.ts';
import { call, type KernelCall, type Program } from '../../runtime/program.ts';
import { selectBackend } from '../../runtime/select-backend.ts';
import { threadBytes } from '../../runtime/threads/thread-bytes.ts';
import { formatTable } from '../../src/cli/format.ts';
import { stepInputs } from '../../src/cli/step-inputs.ts';
import { compile } from '../../src/compile.ts';
import { createExecution } from '../../src/execution.ts';
import type { BuiltModel } from '../../src/frontend/builder/model-builder.ts';
import type { Model, Tensor } from '../../src/ir/graph.ts';
import { loadReferenceModel } from '../models/reference.ts';
import { sharedData } from '../shared-data.ts';
import { gpt2, perceptron, resNet18 } from './step-models.ts';

/** Seconds that a row takes at most, and runs that it makes at least. */
const patience = 5;
const leastRuns = 5;

type MakeMachine = (threads: number) => Machine;

/** Places tensors of so many floats, and scratch bytes behind them, filled with small numbers. */
function callMachine(
  sizes: readonly number[],
  scratch: number,
  of: (places: readonly number[]) => KernelCall,
): MakeMachine {
  let used = 0;
  const places = [...sizes.map((count) => 4 * count), scratch].map((bytes) => {
    const at = used;
    used = Math.ceil((at + bytes) / 64) * 64;
    return at;
  });
  const step = { name: 'y', op: 'y', region: 'forward', comment: '', liveBytes: 0, frees: [] } as const;
  const none = { inputs: [], parameters: [], state: [], constants: [], outputs: [] };
  const program: Program = {
    ...{ name: 'call', arenaBytes: used, residentBytes: 0, steps: [{ ...step, calls: [of(places)] }] },
    ...none,
  };
  return (threads) => {
    const machine = createMachine(program, selectBackend('wasm', used + threadBytes(program, threads), { threads }));
    for (let i = 0; i < used / 4; i++) machine.memory.f32[i] = ((i * 7) % 13) / 13 - 0.5;
    return machine;
  };
}

function product(extent: number): MakeMachine {
  const size = extent * extent;
  return callMachine([size, size, size], matmulScratch(extent, extent, extent), ([a, b, out, scratch]) => {
    const strides = [extent, 1, extent, 1, 0, 0] as const;
    return call(matmul, a!, b!, -1, out!, scratch!, extent, extent, extent, ...strides, [], [], [], []);
  });
}

/** 3x3, 64 channels to 64, 56x56, batch 8. */
function convolution(kind: 'forward' | 'input' | 'filter'): MakeMachine {
  const g = [8, 64, 64, 1, 1, 56, 56, 1, 3, 3, 1, 56, 56, 1, 1, 1, 0, 1, 1, 1, 1, 1];
  const image = 8 * 64 * 56 * 56;
  const scratch = Math.max(convScratch(g), convGradInputScratch(g), convGradWeightScratch(g));
  return callMachine([image, 64 * 64 * 9, image], scratch, ([x, w, y, at]) => {
    if (kind === 'forward') return call(conv, x!, w!, -1, y!, at!, g);
    return kind === 'input' ? call(convGradInput, y!, w!, x!, at!, g) : call(convGradWeight, x!, y!, w!, at!, g);
  });
}

/** A whole training step with SGD. */
function step(model: Model, losses: readonly string[], inputs: ReadonlyMap<string, Tensor> = new Map()): MakeMachine {
  const compiled = compile(model, { losses, strategy: 'none', optimizer: { kind: 'sgd' } });
  return (threads) => {
    const execution = createExecution(compiled, { backend: 'wasm', threads });
    const given = new Map(stepInputs(compiled.graph, inputs, 1).tensors);
    const rate = compiled.update?.learningRate;
    const one: Tensor = { type: { dtype: 'f32', shape: [] }, data: Float32Array.of(1e-6) };
    execution.setInputs(rate === undefined ? given : given.set(rate, one));
    return execution.machine;
  };
}

const built = (model: BuiltModel): MakeMachine => step(model, model.losses);

function zooStep(name: string): MakeMachine | undefined {
  const zoo = sharedData('models/zoo');
  if (zoo === undefined || !existsSync(`${zoo}/${name}`)) return undefined;
  const { model, loss, inputs } = loadReferenceModel(`${zoo}/${name}`);
  return step(model, [loss], inputs);
}

const rows: readonly (readonly [string, () => MakeMachine | undefined])[] = [
  ['matmul 512', () => product(512)],
  ['matmul 1024', () => product(1024)],
  ['conv 3x3 64->64, forward', () => convolution('forward')],
  ['conv 3x3 64->64, gradient of the input', () => convolution('input')],
  ['conv 3x3 64->64, gradient of the filter', () => convolution('filter')],
  ['MLP 8x512, batch 256', () => built(perceptron())],
  ['ResNet-18, 224x224, batch 2', () => built(resNet18(2))],
  ['GPT-2, 2 layers of 768, 128 tokens, 8192 words', () => built(gpt2(2, 128, 768, 12, 8192))],
  ['ResNet-18 of the zoo, 64x64, batch 4', () => zooStep('resnet18')],
  ['GPT-2 of the zoo, 12 layers of 64', () => zooStep('gpt2_12l')],
];

/** Milliseconds on one thread and on `threads`, and how many times as fast that is; `filter` picks rows. */
export function threadsTable(threads = 2, filter = ''): string {
  const table = [['', '1 thread', `${threads} threads`, 'times as fast']];
  for (const [name, make] of rows) {
    if (!name.includes(filter)) continue;
    const machineOf = make();
    if (machineOf === undefined) continue;
    const machines = [machineOf(1), machineOf(threads)];
    const fastest = machines.map(({ program }) => program.steps.map(() => Number.POSITIVE_INFINITY));
    const end = performance.now() + 1000 * patience;
    for (let run = 0; run < leastRuns || performance.now() < end; run++)
      machines.forEach((machine, i) => {
        machine.trace(({ index, start, end: done }) => {
          fastest[i]![index] = Math.min(fastest[i]![index]!, done - start);
        });
      });
    for (const machine of machines) machine.close();
    const [alone, together] = fastest.map((times) => times.reduce((a, b) => a + b, 0)) as [number, number];
    table.push([name, `${alone.toFixed(2)} ms`, `${together.toFixed(2)} ms`, (alone / together).toFixed(2)]);
  }
  return formatTable(table);
}
