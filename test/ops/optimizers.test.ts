/** Each optimizer against its paper's formula, in double precision, over several updates of one number. */
import { describe, expect, it } from 'vitest';
import { type Attributes, formatType, type Tensor } from '../../src/ir/graph.ts';
import type { Op } from '../../src/ir/op.ts';
import { evaluate } from '../../src/ops/evaluate.ts';
import { accumulate, increment, optimizerOps } from '../../src/ops/optimizers.ts';
import { opNamed } from '../../src/ops/table.ts';
import { doubleMemory } from '../double-memory.ts';
import { tensor } from '../tensors.ts';

const gradients = [0.5, -1.25, 2, 0.125, 0];
const rate = 0.1;

/** The parameter after each update, by the op; state starts at 0. */
function byOp(name: string, attributes: Attributes, states: number, counts = false): number[] {
  const op: Op = opNamed(name);
  let own: readonly Tensor[] = Array.from({ length: states + 1 }, (_, i) => tensor('f32', [1], [i === 0 ? 1.5 : 0]));
  return gradients.map((gradient, step) => {
    const operands = [own[0]!, tensor('f32', [1], [gradient]), tensor('f32', [], [rate]), ...own.slice(1)];
    if (counts) operands.push(tensor('i32', [], [step]));
    own = evaluate(op, operands, attributes, doubleMemory);
    return own[0]!.data[0]!;
  });
}

/** The same by a formula that maps the parameter, the gradient and the number of the update (from 1) to the next. */
function byFormula(next: (w: number, g: number, t: number) => number): number[] {
  let w = 1.5;
  return gradients.map((g, i) => (w = next(w, g, i + 1)));
}

function expectAlike(actual: readonly number[], expected: readonly number[]): void {
  expected.forEach((value, i) => {
    expect(actual[i], `update ${i + 1}`).toBeCloseTo(value, 12);
  });
}

interface UpdateCase {
  readonly name: string;
  readonly states: number;
  readonly attributes: Attributes;
}

/** Every op that updates a parameter, by each set of attributes of its examples. */
const updates: readonly UpdateCase[] = optimizerOps
  .filter((op) => 'weight_decay' in op.attributes)
  .flatMap(({ name, writes, examples }) => {
    const sets = new Map(examples.map(({ attributes }) => [JSON.stringify(attributes), attributes]));
    return [...sets.values()].map((attributes) => ({ name, states: writes!.length - 1, attributes }));
  });

/** Whether the op takes the number of updates. */
function countsOf(name: string, attributes: Attributes): boolean {
  return opNamed(name).examples.some(
    (example) => example.attributes === attributes && example.operands.some(({ dtype }) => dtype === 'i32'),
  );
}

describe('updates', () => {
  it('sgd', () => {
    const decay = 0.02;
    const expected = byFormula((w, g) => w - rate * (g + decay * w));
    expectAlike(byOp('sgd', { weight_decay: decay }, 0), expected);
  });

  it.each([false, true])('sgd_momentum, Nesterov: %s', (nesterov) => {
    const [momentum, dampening, decay] = [0.9, nesterov ? 0 : 0.25, 0.02];
    let v = 0;
    const expected = byFormula((w, g, t) => {
      const slope = g + decay * w;
      v = t === 1 ? slope : momentum * v + (1 - dampening) * slope;
      return w - rate * (nesterov ? slope + momentum * v : v);
    });
    const attributes = { momentum, dampening, nesterov, weight_decay: decay };
    expectAlike(byOp('sgd_momentum', attributes, 1, dampening !== 0), expected);
  });

  it.each(['adam', 'adamw'])('%s', (name) => {
    const [beta1, beta2, epsilon, decay] = [0.8, 0.95, 1e-4, 0.1];
    let m = 0;
    let v = 0;
    const expected = byFormula((w, g, t) => {
      const slope = name === 'adam' ? g + decay * w : g;
      m = beta1 * m + (1 - beta1) * slope;
      v = beta2 * v + (1 - beta2) * slope ** 2;
      const step = m / (1 - beta1 ** t) / (Math.sqrt(v / (1 - beta2 ** t)) + epsilon);
      return w - rate * (name === 'adam' ? step : step + decay * w);
    });
    expectAlike(byOp(name, { beta1, beta2, epsilon, weight_decay: decay }, 2, true), expected);
  });

  it('adagrad', () => {
    let squares = 0;
    const expected = byFormula((w, g) => {
      const slope = g + 0.02 * w;
      squares += slope ** 2;
      return w - (rate * slope) / (Math.sqrt(squares) + 1e-3);
    });
    expectAlike(byOp('adagrad', { epsilon: 1e-3, weight_decay: 0.02 }, 1), expected);
  });

  it('rmsprop', () => {
    let mean = 0;
    const expected = byFormula((w, g) => {
      const slope = g + 0.02 * w;
      mean = 0.9 * mean + 0.1 * slope ** 2;
      return w - (rate * slope) / (Math.sqrt(mean) + 1e-3);
    });
    expectAlike(byOp('rmsprop', { decay: 0.9, epsilon: 1e-3, weight_decay: 0.02 }, 1), expected);
  });

  it('lion', () => {
    let m = 0;
    const expected = byFormula((w, g) => {
      const direction = Math.sign(0.9 * m + 0.1 * g);
      m = 0.99 * m + 0.01 * g;
      return w - rate * (direction + 0.02 * w);
    });
    expectAlike(byOp('lion', { beta1: 0.9, beta2: 0.99, weight_decay: 0.02 }, 1), expected);
  });

  it('leave everything as it is where they are told not to update', () => {
    for (const { name, states, attributes } of updates) {
      const op: Op = opNamed(name);
      const own = Array.from({ length: states + 1 }, (_, i) => tensor('f32', [2], [i + 1, i + 2]));
      const operands = [own[0]!, tensor('f32', [2], [3, 4]), tensor('f32', [], [rate]), ...own.slice(1)];
      if (countsOf(name, attributes)) operands.push(tensor('i32', [], [7]));
      const results = evaluate(op, [...operands, tensor('bool', [], [0])], attributes);
      results.forEach((result, i) => {
        expect(Array.from(result.data), name).toEqual(own[i]!.data);
      });
    }
  });
});

describe('without weight decay', () => {
  it.each(updates)(
    '$name of an infinite parameter with gradient 0 leaves it as it is',
    ({ name, states, attributes }) => {
      const op: Op = opNamed(name);
      const numbers = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NaN, 2];
      const zeros = tensor('f32', [4], [0, 0, 0, 0]);
      const operands = [tensor('f32', [4], numbers), zeros, tensor('f32', [], [rate])];
      operands.push(...Array.from({ length: states }, () => zeros));
      if (countsOf(name, attributes)) operands.push(tensor('i32', [], [0]));
      const [next, ...state] = evaluate(op, operands, { ...attributes, weight_decay: 0 });
      expect(Array.from(next!.data)).toEqual(numbers);
      for (const { data } of state) expect(Array.from(data)).toEqual([0, 0, 0, 0]);
    },
  );
});

describe('accumulation', () => {
  it('is the mean of the gradients of as many micro-batches', () => {
    let sum = tensor('f32', [1], [99]);
    for (const [phase, gradient] of [8, 4, -2, 6].entries())
      [sum = sum] = evaluate(accumulate, [sum, tensor('f32', [1], [gradient]), tensor('i32', [], [phase])], {
        every: 4,
      });
    expect(sum.data[0]).toBe(4);
  });

  it('counts micro-batches round and round', () => {
    let counter = tensor('i32', [], [0]);
    const seen = [1, 2, 3, 4, 5].map(() => {
      [counter = counter] = evaluate(increment, [counter], { modulus: 3 });
      return counter.data[0];
    });
    expect(seen).toEqual([1, 2, 0, 1, 2]);
  });
});

describe('shapes', () => {
  const f = (...shape: number[]) => ({ dtype: 'f32', shape }) as const;
  const i32 = { dtype: 'i32', shape: [] } as const;
  it.each([
    ['sgd', [f(3), f(4), f()], /gradient is f32\[4\], but the parameter is f32\[3\]/],
    ['sgd', [f(3), f(3), f(1)], /learning rate must be f32\[\], not f32\[1\]/],
    ['sgd', [f(3), f(3)], /at least 3 operands, not 2/],
    ['sgd', [i32, i32, f()], /only f32 is trained/],
    ['sgd_momentum', [f(3), f(3), f(), f(2)], /state of type f32\[2\] does not fit the parameter f32\[3\]/],
    ['adam', [f(3), f(3), f(), f(3), f(3), f()], /counter must be i32\[\], not f32\[\]/],
    ['adam', [f(3), f(3), f(), f(3), f(3), i32, i32], /whether to update must be bool\[\], not i32\[\]/],
    ['accumulate', [f(3), f(2), i32], /gradient f32\[2\] cannot be added to f32\[3\]/],
    ['increment', [f()], /counter must be i32\[\]/],
  ] as const)('%s refuses what does not fit: %#', (name, operands, message) => {
    const op: Op = opNamed(name);
    expect(() => op.infer(operands, op.examples[0]!.attributes), operands.map(formatType).join(' ')).toThrow(message);
  });
});
