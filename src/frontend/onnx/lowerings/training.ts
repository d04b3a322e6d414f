/**
 * Optimizers of the training preview domain, as plain arithmetic on their operands. Each takes the rate R, the count of
 * updates T, and then lists of equal length: the values X, their gradients G, and what the optimizer remembers.
 */
import type { Value } from '../../../ir/graph.ts';
import { add, divide, multiply, subtract } from '../../../ops/binary.ts';
import { greater } from '../../../ops/comparison.ts';
import { power } from '../../../ops/power.ts';
import { sqrt, square } from '../../../ops/unary.ts';
import { where } from '../../../ops/where.ts';
import { castTo, scalarConstant, scaled, shifted } from '../compose.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';

export const trainingDomain = 'ai.onnx.preview.training';

interface Update {
  /** The rate R and the count T, of rank 0. */
  readonly rate: Value;
  readonly count: Value;
  readonly x: Value;
  /** The gradient, with that of the penalty `norm_coefficient / 2 * |x|^2`. */
  readonly g: Value;
  readonly memory: readonly Value[];
}

type Arithmetic = (c: LoweringContext, a: Value, b: Value) => Value;
const plus: Arithmetic = (c, a, b) => c.emit(add, [a, b], {});
const minus: Arithmetic = (c, a, b) => c.emit(subtract, [a, b], {});
const times: Arithmetic = (c, a, b) => c.emit(multiply, [a, b], {});
const over: Arithmetic = (c, a, b) => c.emit(divide, [a, b], {});

/** `later` once an update has been made, `first` before. */
function afterFirst(c: LoweringContext, count: Value, later: Value, first: Value): Value {
  return c.emit(where, [c.emit(greater, [count, scalarConstant(c, 'i64', 0)], {}), later, first], {});
}

/** An optimizer that remembers `memories` values for each x; gives the new x and the new memories. */
function optimizer(
  onnx: string,
  memories: number,
  step: (c: LoweringContext, update: Update) => readonly Value[],
): OnnxLowering {
  return {
    onnx: `${trainingDomain}.${onnx}`,
    since: 1,
    gradient: true,
    lower: (c) => {
      const lists = memories + 2;
      const size = (c.operands.length - 2) / lists;
      if (!Number.isInteger(size))
        c.fail(`${c.operands.length} operands are not R, T and ${lists} lists of one length`);
      const penalty = c.attributes.float('norm_coefficient', 0);
      const updated = Array.from({ length: size }, (_, i) => {
        const [x, gradient, ...memory] = Array.from({ length: lists }, (__, list) => c.operand(2 + list * size + i));
        const g = penalty === 0 ? gradient! : plus(c, scaled(c, x!, penalty), gradient!);
        return step(c, { rate: c.operand(0), count: c.operand(1), x: x!, g, memory });
      });
      return Array.from({ length: memories + 1 }, (_, list) => updated.map((values) => values[list]!)).flat();
    },
  };
}

/** Duchi et al. 2011. */
const adagrad = optimizer('Adagrad', 1, (c, { rate, count, x, g, memory: [h] }) => {
  const decay = c.attributes.float('decay_factor', 0);
  const r = over(c, rate, shifted(c, scaled(c, castTo(c, count, 'f32'), decay), 1));
  const squares = plus(c, h!, c.emit(square, [g], {}));
  const root = shifted(c, c.emit(sqrt, [squares], {}), c.attributes.float('epsilon', 1e-6));
  return [minus(c, x, over(c, times(c, r, g), root)), squares];
});

/** Kingma and Ba 2014 (arXiv 1412.6980), its bias corrections folded into the rate. */
const adam = optimizer('Adam', 2, (c, { rate, count, x, g, memory: [v, h] }) => {
  const alpha = c.attributes.float('alpha', 0.9);
  const beta = c.attributes.float('beta', 0.999);
  const mean = plus(c, scaled(c, v!, alpha), scaled(c, g, 1 - alpha));
  const squares = plus(c, scaled(c, h!, beta), scaled(c, c.emit(square, [g], {}), 1 - beta));
  const t = castTo(c, count, 'f32');
  const left = (decay: number): Value =>
    shifted(c, scaled(c, c.emit(power, [scalarConstant(c, 'f32', decay), t], {}), -1), 1);
  const corrected = over(c, times(c, rate, c.emit(sqrt, [left(beta)], {})), left(alpha));
  const r = afterFirst(c, count, corrected, rate);
  const root = shifted(c, c.emit(sqrt, [squares], {}), c.attributes.float('epsilon', 1e-6));
  const next = minus(c, x, over(c, times(c, r, mean), root));
  return [scaled(c, next, 1 - c.attributes.float('norm_coefficient_post', 0)), mean, squares];
});

const momentum = optimizer('Momentum', 1, (c, { rate, count, x, g, memory: [v] }) => {
  const alpha = c.attributes.float('alpha') ?? c.fail('its alpha is left out');
  const beta = c.attributes.float('beta') ?? c.fail('its beta is left out');
  const mode = c.attributes.string('mode', 'standard');
  if (mode !== 'standard' && mode !== 'nesterov') c.fail(`unknown mode ${JSON.stringify(mode)}`);
  const share = afterFirst(c, count, scalarConstant(c, 'f32', beta), scalarConstant(c, 'f32', 1));
  const velocity = plus(c, scaled(c, v!, alpha), times(c, share, g));
  const way = mode === 'standard' ? velocity : plus(c, g, scaled(c, velocity, alpha));
  return [minus(c, x, times(c, rate, way)), velocity];
});

export const trainingLowerings: readonly OnnxLowering[] = [adagrad, adam, momentum];
