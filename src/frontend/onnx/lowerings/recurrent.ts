/**
 * Recurrent layers, unrolled over time. The input's share of all gates is one matrix product over all time steps; each
 * step then adds the state's share as the bias of its own product.
 */
import { formatType, sameShape, type TensorType, type Value } from '../../../ir/graph.ts';
import {
  elu,
  hardSigmoid,
  leakyRelu,
  relu,
  sigmoid,
  softplus,
  softsign,
  thresholdedRelu,
} from '../../../ops/activation.ts';
import { add, multiply, subtract } from '../../../ops/binary.ts';
import { concat } from '../../../ops/concat.ts';
import { matmul } from '../../../ops/matmul.ts';
import { clip } from '../../../ops/scalar.ts';
import { splitTo } from '../../../ops/split.ts';
import { tanh } from '../../../ops/unary.ts';
import { permuted, reshaped, scaled, shifted } from '../compose.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';

type Activation = (x: Value) => Value;

/** One direction of a layer: its weights as matrices of rows of gates. */
interface Direction {
  readonly reverse: boolean;
  /** [gates * hidden, input] */
  readonly inputWeights: Value;
  /** [gates * hidden, hidden] */
  readonly stateWeights: Value;
  /** [gates * hidden] each: for the input's and for the state's share. */
  readonly inputBias: Value | undefined;
  readonly stateBias: Value | undefined;
  /** [batch, hidden]; undefined where it is zero. */
  readonly initialHidden: Value | undefined;
  readonly initialCell: Value | undefined;
  /** [hidden] for each of the gates i, o and f. */
  readonly peepholes: readonly Value[] | undefined;
  readonly activations: readonly Activation[];
}

interface Layer {
  /** [time, batch, input] */
  readonly x: Value;
  readonly time: number;
  readonly batch: number;
  readonly hidden: number;
  readonly batchFirst: boolean;
  readonly directions: readonly Direction[];
}

interface States {
  readonly hidden: Value;
  readonly cell?: Value;
}

/** The next state from the input's share of the gates and the state before (undefined: zero). */
type Step = (gates: Value, before: States | undefined) => States;

/** Prepares the weights of one direction for its steps. */
type Cell = (c: LoweringContext, layer: Layer, direction: Direction) => Step;

function activation(c: LoweringContext, name: string, alpha: number | undefined, beta: number | undefined): Activation {
  switch (name.toLowerCase()) {
    case 'sigmoid':
      return (x) => c.emit(sigmoid, [x], {});
    case 'tanh':
      return (x) => c.emit(tanh, [x], {});
    case 'relu':
      return (x) => c.emit(relu, [x], {});
    case 'affine':
      return (x) => shifted(c, scaled(c, x, alpha ?? 1), beta ?? 0);
    case 'leakyrelu':
      return (x) => c.emit(leakyRelu, [x], { alpha: alpha ?? 0.01 });
    case 'thresholdedrelu':
      return (x) => c.emit(thresholdedRelu, [x], { alpha: alpha ?? 1 });
    case 'scaledtanh':
      return (x) => scaled(c, c.emit(tanh, [scaled(c, x, beta ?? 1)], {}), alpha ?? 1);
    case 'hardsigmoid':
      return (x) => c.emit(hardSigmoid, [x], { alpha: alpha ?? 0.2, beta: beta ?? 0.5 });
    case 'elu':
      return (x) => c.emit(elu, [x], { alpha: alpha ?? 1 });
    case 'softsign':
      return (x) => c.emit(softsign, [x], {});
    case 'softplus':
      return (x) => c.emit(softplus, [x], {});
    default:
      return c.fail(`unknown activation ${JSON.stringify(name)}`);
  }
}

/** The parts of `value` along its first dimension, that dimension dropped. */
function unstacked(c: LoweringContext, value: Value): readonly Value[] {
  const [count, ...rest] = value.type.shape;
  if (count === 1) return [reshaped(c, value, rest)];
  return splitTo(c, value, 0, new Array<number>(count!).fill(1)).map((part) => reshaped(c, part, rest));
}

function readLayer(c: LoweringContext, gates: number, defaults: readonly string[]): Layer {
  const { attributes } = c;
  const batchFirst = attributes.int('layout', 0) !== 0;
  const x = batchFirst ? permuted(c, c.operand(0), [1, 0, 2]) : c.operand(0);
  const [time, batch] = x.type.shape;
  if (time === 0) c.fail('the sequence is empty');
  const way = attributes.string('direction', 'forward');
  if (way !== 'forward' && way !== 'reverse' && way !== 'bidirectional')
    c.fail(`unknown direction ${JSON.stringify(way)}`);
  const count = way === 'bidirectional' ? 2 : 1;
  if (attributes.int('input_forget', 0) !== 0)
    c.fail('coupled input and forget gates (input_forget) are not supported');
  const hidden = checkWeights(c, gates, count);
  const lengths = c.operands[4] === undefined ? undefined : c.numbers(4);
  if (lengths?.some((length) => length !== time)) c.fail('sequences of different lengths are not supported');
  c.expand(time! * count * nodesPerStep);
  const inputWeights = unstacked(c, c.operand(1));
  const stateWeights = unstacked(c, c.operand(2));
  const biases = c.operands[3] === undefined ? undefined : unstacked(c, c.operands[3]);
  const initial = (index: number): readonly Value[] | undefined => {
    const state = c.operands[index];
    if (state === undefined) return undefined;
    const ordered = batchFirst ? permuted(c, state, [1, 0, 2]) : state;
    if (!sameShape(ordered.type.shape, [count, batch!, hidden]))
      c.fail(
        `operand ${index} is ${formatType(state.type)}, no state of ${count} direction(s), ${batch} rows and ${hidden} columns`,
      );
    return unstacked(c, ordered);
  };
  const hiddens = initial(5);
  const cells = defaults.length === 3 ? initial(6) : undefined;
  const holes = defaults.length === 3 ? c.operands[7] : undefined;
  if (holes !== undefined && !sameShape(holes.type.shape, [count, 3 * hidden]))
    c.fail(`operand 7 is ${formatType(holes.type)}, not [${count},${3 * hidden}]`);
  const peepholes = holes && unstacked(c, holes);
  const names = attributes.strings('activations') ?? Array.from({ length: count }, () => defaults).flat();
  const alphas = attributes.floats('activation_alpha');
  const betas = attributes.floats('activation_beta');
  const activations = names.map((name, i) => activation(c, name, alphas?.[i], betas?.[i]));
  const directions = Array.from({ length: count }, (_, d): Direction => {
    const both = biases && unstacked(c, reshaped(c, biases[d]!, [2, gates * hidden]));
    const each = peepholes && unstacked(c, reshaped(c, peepholes[d]!, [3, hidden]));
    return {
      reverse: way === 'reverse' || d === 1,
      inputWeights: inputWeights[d]!,
      stateWeights: stateWeights[d]!,
      inputBias: both?.[0],
      stateBias: both?.[1],
      initialHidden: hiddens?.[d],
      initialCell: cells?.[d],
      peepholes: each,
      activations: activations.slice(d * defaults.length, (d + 1) * defaults.length),
    };
  });
  return { x, time: time!, batch: batch!, hidden, batchFirst, directions };
}

/** Of the longest cell, an LSTM with peepholes. */
const nodesPerStep = 16;

/** Gives the size of the state. The weights must fit it, the input and each other: what is cut out of them relies on it. */
function checkWeights(c: LoweringContext, gates: number, count: number): number {
  const [input, weights, state] = [0, 1, 2].map((i) => c.operand(i).type);
  const hidden = c.attributes.int('hidden_size') ?? state!.shape[2] ?? 0;
  const fits = (operand: number, type: TensorType, shape: readonly number[]): void => {
    if (!sameShape(type.shape, shape))
      c.fail(
        `operand ${operand} is ${formatType(type)}; with a state of ${hidden} and ${count} direction(s) it must have the shape [${shape.join(',')}]`,
      );
  };
  if (input!.shape.length !== 3) c.fail(`operand 0 is ${formatType(input!)}, not of rank 3`);
  fits(1, weights!, [count, gates * hidden, input!.shape[2]!]);
  fits(2, state!, [count, gates * hidden, hidden]);
  const bias = c.operands[3];
  if (bias !== undefined) fits(3, bias.type, [count, 2 * gates * hidden]);
  return hidden;
}

function clipped(c: LoweringContext, gate: Value): Value {
  const bound = c.attributes.float('clip');
  return bound === undefined ? gate : c.emit(clip, [gate], { min: -bound, max: bound });
}

function zeros(c: LoweringContext, batch: number, hidden: number): Value {
  return c.constant({ dtype: 'f32', shape: [batch, hidden] }, new Float32Array(batch * hidden));
}

/** rows * weights^T + bias */
function linear(c: LoweringContext, rows: Value, weights: Value, bias: Value | undefined): Value {
  return c.emit(matmul, [rows, weights, ...(bias === undefined ? [] : [bias])], {
    transpose_a: false,
    transpose_b: true,
  });
}

function sum(c: LoweringContext, a: Value, b: Value | undefined): Value {
  return b === undefined ? a : c.emit(add, [a, b], {});
}

function times(c: LoweringContext, a: Value, b: Value): Value {
  return c.emit(multiply, [a, b], {});
}

/** Each gate is a block of `hidden` columns. */
function gateBlocks(c: LoweringContext, gates: Value, hidden: number): readonly Value[] {
  return splitTo(c, gates, 1, new Array<number>(gates.type.shape[1]! / hidden).fill(hidden));
}

/**
 * Every state of one direction, in the order of time. `joined`: whether both biases may be added to the input's share at
 * once.
 */
function run(c: LoweringContext, layer: Layer, direction: Direction, cell: Cell, joined: boolean): readonly States[] {
  const { x, time, batch } = layer;
  const { inputBias, stateBias } = direction;
  const bias = joined && inputBias !== undefined && stateBias !== undefined ? sum(c, inputBias, stateBias) : inputBias;
  const rows = reshaped(c, x, [time * batch, x.type.shape[2]!]);
  const all = linear(c, rows, direction.inputWeights, bias);
  const shares = unstacked(c, reshaped(c, all, [time, batch, all.type.shape[1]!]));
  const next = cell(c, layer, direction);
  const states = new Array<States>(time);
  let before: States | undefined = initialStates(c, layer, direction);
  for (let step = 0; step < time; step++) {
    const t = direction.reverse ? time - 1 - step : step;
    before = next(shares[t]!, before);
    states[t] = before;
  }
  return states;
}

/** Zero, which costs nothing, where no state is given. */
function initialStates(c: LoweringContext, layer: Layer, direction: Direction): States | undefined {
  const { initialHidden, initialCell } = direction;
  if (initialHidden === undefined && initialCell === undefined) return undefined;
  return {
    hidden: initialHidden ?? zeros(c, layer.batch, layer.hidden),
    ...(initialCell !== undefined && { cell: initialCell }),
  };
}

function recurrent(onnx: string, gates: number, defaults: readonly string[], lowerCell: Cell): OnnxLowering {
  return {
    onnx,
    since: 7,
    gradient: true,
    limits: 'unrolled over time; all sequences of full length',
    lower: (c) => {
      const layer = readLayer(c, gates, defaults);
      const { time, batch, hidden, batchFirst } = layer;
      const joined = !(onnx === 'GRU' && c.attributes.int('linear_before_reset', 0) !== 0);
      const runs = layer.directions.map((direction) => run(c, layer, direction, lowerCell, joined));
      const count = runs.length;
      const stacked = (values: readonly Value[], shape: readonly number[]): Value => {
        const parts = values.map((value) => reshaped(c, value, [1, batch, hidden]));
        return reshaped(c, parts.length === 1 ? parts[0]! : c.emit(concat, parts, { axis: 0 }), shape);
      };
      const ends = (pick: (states: States) => Value): Value => {
        const values = runs.map((states, d) => pick(states[layer.directions[d]!.reverse ? 0 : time - 1]!));
        const all = stacked(values, [count, batch, hidden]);
        return batchFirst ? permuted(c, all, [1, 0, 2]) : all;
      };
      const hiddens = Array.from({ length: time }, (_, t) => runs.map((states) => states[t]!.hidden)).flat();
      const all = stacked(hiddens, [time, count, batch, hidden]);
      const outputs = [batchFirst ? permuted(c, all, [2, 0, 1, 3]) : all];
      if (c.usesOutput(1) || c.usesOutput(2)) outputs.push(ends((states) => states.hidden));
      if (c.usesOutput(2)) outputs.push(ends((states) => states.cell!));
      return outputs;
    },
  };
}

/** H' = f(X Wi + H Ri + b) */
const rnnCell: Cell =
  (c, _layer, { stateWeights, activations }) =>
  (gates, before) => {
    const all = before === undefined ? gates : linear(c, before.hidden, stateWeights, gates);
    return { hidden: activations[0]!(clipped(c, all)) };
  };

/** Gates in the order i, o, f, c; peepholes look at the cell before for i and f, and at the new one for o. */
const lstmCell: Cell = (c, layer, { activations, peepholes, stateWeights }) => {
  const [f, g, h] = activations;
  const peeped = (gate: Value, hole: number, cell: Value | undefined): Value =>
    clipped(c, peepholes === undefined || cell === undefined ? gate : sum(c, gate, times(c, peepholes[hole]!, cell)));
  return (gates, before) => {
    const all = before === undefined ? gates : linear(c, before.hidden, stateWeights, gates);
    const [inGate, outGate, forgetGate, candidate] = gateBlocks(c, all, layer.hidden);
    const fresh = times(c, f!(peeped(inGate!, 0, before?.cell)), g!(clipped(c, candidate!)));
    const cell =
      before?.cell === undefined
        ? fresh
        : sum(c, times(c, f!(peeped(forgetGate!, 2, before.cell)), before.cell), fresh);
    return { hidden: times(c, f!(peeped(outGate!, 1, cell)), h!(cell)), cell };
  };
};

/** Gates in the order z, r, h; H' = (1 - z) h + z H, written as h + z (H - h). */
const gruCell: Cell = (c, { batch, hidden }, { activations, stateWeights, stateBias }) => {
  const [f, g] = activations;
  const resetsLast = c.attributes.int('linear_before_reset', 0) !== 0;
  const [zrWeights, hWeights] = splitTo(c, stateWeights, 0, [2 * hidden, hidden]);
  const biases = resetsLast && stateBias !== undefined ? splitTo(c, stateBias, 0, [2 * hidden, hidden]) : undefined;
  return (gates, before) => {
    const [zInput, rInput, hInput] = gateBlocks(c, gates, hidden);
    if (before === undefined && !resetsLast) {
      const fresh = g!(clipped(c, hInput!));
      return { hidden: c.emit(subtract, [fresh, times(c, f!(clipped(c, zInput!)), fresh)], {}) };
    }
    const state = before?.hidden ?? zeros(c, batch, hidden);
    const [zState, rState] = gateBlocks(c, linear(c, state, zrWeights!, biases?.[0]), hidden);
    const z = f!(clipped(c, sum(c, zState!, zInput)));
    const r = f!(clipped(c, sum(c, rState!, rInput)));
    const inner = resetsLast
      ? sum(c, times(c, r, linear(c, state, hWeights!, biases?.[1])), hInput)
      : linear(c, times(c, r, state), hWeights!, hInput);
    const fresh = g!(clipped(c, inner));
    return { hidden: sum(c, fresh, times(c, z, c.emit(subtract, [state, fresh], {}))) };
  };
};

export const recurrentLowerings: readonly OnnxLowering[] = [
  recurrent('RNN', 1, ['Tanh'], rnnCell),
  recurrent('LSTM', 4, ['Sigmoid', 'Tanh', 'Tanh'], lstmCell),
  recurrent('GRU', 3, ['Sigmoid', 'Tanh'], gruCell),
];
