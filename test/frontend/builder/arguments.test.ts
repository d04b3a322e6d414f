/**
 * What is handed to a builder: copied, so that nothing done to it afterwards changes the model, and checked, so that
 * whatever is wrong is said in our words.
 */
import { describe, expect, it } from 'vitest';
import { ModelBuilder } from '../../../src/frontend/builder/model-builder.ts';
import { SublinearError } from '../../../src/ir/diagnostic.ts';
import type { Value } from '../../../src/ir/graph.ts';
import { printGraph } from '../../../src/ir/print.ts';

/** Lists and records that were handed over, each of which can be spoilt. */
class Handed {
  private readonly spoilers: (() => void)[] = [];

  list<T>(...items: T[]): T[] {
    this.spoilers.push(() => {
      items.reverse();
      items.length = 0;
    });
    return items;
  }

  numbers(...items: number[]): Float32Array {
    const data = Float32Array.from(items);
    this.spoilers.push(() => data.fill(Number.NaN));
    return data;
  }

  record<T extends object>(record: T): T {
    this.spoilers.push(() => {
      for (const key of Object.keys(record)) Reflect.set(record, key, 77);
    });
    return record;
  }

  spoil(): void {
    for (const spoiler of this.spoilers) spoiler();
  }
}

/** Every method that takes a list, a record or an array, and most that do not. */
function build(given: Handed): ModelBuilder {
  const m = new ModelBuilder('all', given.record({ seed: 3 }));
  const x = m.input('x', given.list(2, 4, 8, 8));
  const w = m.parameter('w', given.list(2, 2), given.numbers(1, 2, 3, 4));
  const drawn = m.parameter('drawn', given.list(3, 2));
  const small = m.constant(given.list(2), given.numbers(5, 6));
  const large = m.constant(given.list(100), given.numbers(...Array(100).keys()));
  const indices = m.constant(given.list(2), given.list(0, 1), 'i64');
  const convolved = m.conv2d(x, 4, 3, given.record({ stride: 1, bias: true }));
  const normed = m.batchNorm(convolved, given.record({ epsilon: 1e-3, momentum: 0.5 }));
  const pooled = m.maxPool2d(normed, 2, given.record({ stride: 2 }));
  const averaged = m.averagePool2d(pooled, 2, given.record({ padding: 0 }));
  const up = m.upsample2d(averaged, 2);
  const turned = m.transpose(up, given.list(0, 2, 3, 1));
  const flat = m.reshape(turned, given.list(2, -1));
  const hs = given.list(m.linear(flat, 4, given.record({ bias: true })));
  for (let i = 0; i < 3; i++) hs.push(m.tanh(m.linear(m.concat(hs, 1), 4)));
  const joined = m.layerNorm(m.concat(hs, 1), given.record({ epsilon: 1e-4 }));
  const pad = given.record({
    before: given.list(0, 1),
    after: given.list(0, 0),
    mode: 'constant',
    value: 0,
  });
  const applied = m.apply('pad', given.list(joined), pad);
  const product = m.matmul(m.slice(applied[0]!, 1, 0, 2), w, given.record({ transposeB: true }));
  const embedded = m.embedding(indices, 5, 2);
  const parts = given.list<Value>(m.sum(product, given.list(0, 1)), m.mean(embedded), m.sum(m.multiply(small, small)));
  m.loss(parts.reduce((a, b) => m.add(a, b)));
  m.loss(m.add(m.mean(drawn), m.mean(large)), 'second');
  m.output(m.softmax(m.dropout(product, 0.5)), 'probabilities');
  return m;
}

function contents({ graph, weights, losses, checkpoints }: ReturnType<ModelBuilder['finish']>): unknown {
  return [
    printGraph(graph),
    [...weights].map(([name, { type, data }]) => [name, type, Array.from(data)]),
    losses,
    checkpoints,
  ];
}

describe('what is handed to a builder', () => {
  it('is copied: spoilt afterwards, it changes nothing', () => {
    const kept = new Handed();
    const expected = contents(build(kept).finish());
    const before = new Handed();
    const builder = build(before);
    before.spoil();
    const model = builder.finish();
    expect(contents(model)).toEqual(expected);
    // A model that is finished is not changed by its builder either.
    builder.parameter('later', [1], [1]);
    expect(contents(model)).toEqual(expected);
  });

  it('may be frozen', () => {
    const m = new ModelBuilder('frozen', Object.freeze({ seed: 1 }));
    const x = m.input('x', Object.freeze([2, 3]));
    const y = m.apply('transpose', Object.freeze([x]), Object.freeze({ permutation: Object.freeze([1, 0]) }));
    expect(y[0]!.type.shape).toEqual([3, 2]);
  });

  it('grows by its own results: concat on a list that the loop extends', () => {
    const m = new ModelBuilder('dense');
    const hs = [m.input('x', [2, 8])];
    for (let i = 0; i < 12; i++) hs.push(m.tanh(m.linear(m.concat(hs, 1), 8)));
    m.loss(m.mean(m.concat(hs, 1)));
    const { graph } = m.finish();
    const widths = graph.nodes.filter(({ op }) => op === 'concat').map(({ operands }) => operands.length);
    expect(widths).toEqual([...Array(13).keys()].map((i) => i + 1));
  });
});

describe('what a builder hands out', () => {
  it('cannot be written to by accident', () => {
    const m = new ModelBuilder('out');
    const shape = [2, 3];
    const x = m.input('x', shape);
    const results = m.apply('relu', [x], {});
    for (const readonly of [x, x.type, x.type.shape, results, results[0]!.type.shape])
      expect(Object.isFrozen(readonly)).toBe(true);
  });

  it('goes on after finish: nodes that come later stand before the updates', () => {
    const m = new ModelBuilder('twice');
    const h = m.batchNorm(m.input('x', [4, 3]));
    m.loss(m.mean(h));
    const first = m.finish();
    m.loss(m.sum(m.tanh(h)), 'other');
    const regions = m.finish().graph.nodes.map(({ region }) => region);
    expect(regions).toEqual([...regions.filter((r) => r === 'forward'), ...regions.filter((r) => r === 'update')]);
    expect(first.losses).toHaveLength(1);
  });
});

describe('every dropout of a builder', () => {
  it('has a site of its own', () => {
    const m = new ModelBuilder('drops');
    const x = m.input('x', [64]);
    for (let i = 0; i < 4; i++) m.output(m.dropout(x, 0.5), `y${i}`);
    const sites = m.finish().graph.nodes.map(({ attributes }) => attributes.site);
    expect(sites).toEqual([0, 1, 2, 3]);
  });
});

describe('a wrong argument', () => {
  const junk: readonly unknown[] = [undefined, null, 5, 'x', {}, [], -1.5, Number.NaN, () => 1];
  const m = new ModelBuilder('junk');
  const x = m.input('x', [2, 4, 8, 8]);
  const methods = Object.getOwnPropertyNames(ModelBuilder.prototype).concat(Object.keys(m));
  /** Private ones are the compiler's to hold. */
  const own = ['constructor', 'typeOf', 'first', 'emitAll', 'layerName', 'finish'];
  const callable = methods.filter((name) => typeof Reflect.get(m, name) === 'function' && !own.includes(name));

  it.each(callable)('of %s is said in our words', (name) => {
    const method: unknown = Reflect.get(m, name);
    if (typeof method !== 'function') throw new Error(name);
    const fine: readonly unknown[] = [x, 2, 2];
    for (let at = 0; at < 4; at++)
      for (const value of junk) {
        const args = [...fine.slice(0, at), value, ...fine.slice(at + 1)];
        try {
          method.apply(m, args);
        } catch (error) {
          expect(error, `${name}(${args.map(String).join(', ')})`).toBeInstanceOf(SublinearError);
        }
      }
  });

  const refused: readonly (readonly [string, () => unknown, RegExp])[] = [
    [
      'a value of another builder',
      () => m.relu(new ModelBuilder('b').input('y', [1])),
      /"y" belongs to another ModelBuilder/,
    ],
    ['too few numbers', () => m.parameter('w', [4], [1, 2]), /"w" \(f32\[4\]\) takes 4 numbers, but was given 2/],
    ['a fractional label', () => m.constant([2], [0, 0.5], 'i64'), /element 1 is 0\.5/],
    ['a number beyond the type', () => m.constant([1], [2 ** 32], 'i32'), /i32 takes whole numbers from -2147483648/],
    ['a shape that is none', () => m.input('y', [2, -1]), /input takes a shape, but was given \[2, -1\]/],
    ['an axis that is missing', () => Reflect.apply(m.concat, m, [[x, x]]), /as axis, but was given undefined/],
    ['an operand too few', () => m.apply('where', [x], {}), /takes a condition and two operands/],
    ['an attribute that the op lacks', () => m.apply('relu', [x], { axs: 1 }), /relu has no attribute "axs"/],
  ];
  it.each(refused)('%s: a message that says what is expected', (_, call, message) => {
    expect(call).toThrow(message);
    expect(call).toThrow(SublinearError);
  });
});
