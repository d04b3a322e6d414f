/**
 * Random models on awkward shapes: nothing, one number, rows of one; views of views, one value given to an op several
 * times, indices that repeat, what dies where it is put side by side, statistics beside what they are made of.
 */
import { allocateArray } from '../runtime/memory.ts';
import { SublinearError } from '../src/ir/diagnostic.ts';
import { type Attributes, elementCount, sameShape, type Tensor, type TensorType, type Value } from '../src/ir/graph.ts';
import { GraphBuilder } from '../src/ir/graph-builder.ts';
import { opNamed, ops } from '../src/ops/table.ts';
import { type RandomModel, randomSource } from './random-model.ts';

const shapes = [[], [1], [0], [3], [4], [4], [3, 1], [1, 3], [2, 3], [2, 3], [0, 3], [2, 0, 2], [2, 3, 2]];

/** Of one operand of floats whatever their values are, without attributes. */
const maps = [...ops.values()]
  .filter((op) => op.effect === 'pure' && op.gradient !== undefined && Object.keys(op.attributes).length === 0)
  .filter(({ examples: [example] }) => example?.operands.length === 1 && example.range === undefined)
  .map((op) => op.name);
const pairs = ['add', 'subtract', 'multiply', 'minimum', 'maximum', 'prelu', 'dot'];
const folds = ['reduce_sum', 'reduce_mean', 'reduce_max', 'reduce_min', 'reduce_prod'];

/** `size`: how many steps are drawn; some add several nodes, some none. */
export function randomShapes(seed: number, size: number): RandomModel {
  const random = randomSource(seed);
  const integer = (bound: number): number => Math.floor(random() * bound);
  const pick = <T>(list: readonly T[]): T => list[integer(list.length)]!;
  const builder = new GraphBuilder(`shapes_${seed}`);
  const given = new Map<string, Tensor>();
  const floats: Value[] = [];
  const updates: (() => void)[] = [];
  const numbers = (type: TensorType, low: number, high: number) => {
    const data = allocateArray(type.dtype, elementCount(type.shape));
    for (let i = 0; i < data.length; i++)
      data[i] = type.dtype === 'f32' ? low + (high - low) * random() : low + integer(high - low + 1);
    return data;
  };
  const float = (shape: readonly number[]): TensorType => ({ dtype: 'f32', shape });
  const parameter = (shape: readonly number[]): Value => {
    const value = builder.resident('parameter', `w${floats.length}`, float(shape), numbers(float(shape), -1, 1));
    floats.push(value);
    return value;
  };
  const input = (type: TensorType, low: number, high: number): Value => {
    const value = builder.resident('input', `x${given.size}`, type);
    given.set(value.name, { type, data: numbers(type, low, high) });
    return value;
  };
  const indices = (shape: readonly number[], extent: number): Value =>
    input({ dtype: 'i64', shape }, -extent, extent - 1);
  for (let i = 0; i < 2; i++) {
    floats.push(input(float(pick(shapes)), -1, 1));
    parameter(pick(shapes));
  }
  const any = (): Value =>
    random() < 0.5 ? floats[Math.max(0, floats.length - 1 - integer(3))]! : floats[integer(floats.length)]!;
  const like = (value: Value): Value => {
    const same = floats.filter((other) => sameShape(other.type.shape, value.type.shape));
    return random() < 0.3 ? value : random() < 0.2 ? parameter(value.type.shape) : pick(same);
  };
  /** Its results; none where shapes do not allow it. */
  const emit = (name: string, operands: readonly Value[], attributes: Attributes = {}): readonly Value[] => {
    try {
      const results = builder.emitAll(opNamed(name), operands, attributes);
      for (const result of results)
        if (result.type.dtype === 'f32' && elementCount(result.type.shape) < 200) floats.push(result);
      return results;
    } catch (error) {
      if (error instanceof SublinearError) return [];
      throw error;
    }
  };
  const one = (name: string, operands: readonly Value[], attributes: Attributes = {}): Value =>
    emit(name, operands, attributes)[0] ?? operands[0]!;
  const squashed = (value: Value): Value => one('tanh', [value]);
  const shapeOf = (value: Value): readonly number[] => value.type.shape;
  const axisOf = (value: Value): number => integer(Math.max(1, shapeOf(value).length));
  const flat = (value: Value): Value => one('reshape', [value], { shape: [elementCount(shapeOf(value))] });
  let rng: Value | undefined;
  const draws = (): Value => {
    rng ??= builder.resident('input', 'rng', { dtype: 'i32', shape: [2] });
    return rng;
  };

  const steps: readonly (() => void)[] = [
    () => squashed(one(pick(maps), [any()])),
    () => one(pick(maps), [squashed(any())]),
    () => {
      const value = any();
      one(pick(pairs), [value, like(value)]);
    },
    () => squashed(one(pick(['add', 'multiply', 'subtract']), [any(), any()])),
    () => {
      const value = any();
      one('multiply', [value, value]);
    },
    () => {
      let view = flat(any());
      for (let depth = 1 + integer(3); depth > 0; depth--) {
        const total = elementCount(shapeOf(view));
        const from = integer(total + 1);
        const length = integer(total - from + 1);
        view =
          random() < 0.5
            ? one('view_slice', [view], { offset: from, shape: [length] })
            : pick(emit('split_view', [view], { axis: 0, sizes: [from, total - from] }));
      }
    },
    () => {
      const value = any();
      one('reshape', [value], { shape: [...shapeOf(value).toReversed()] });
    },
    () => {
      const value = any();
      one('transpose', [value], { permutation: [...shapeOf(value).keys()].reverse() });
    },
    () => {
      const value = any();
      const axis = axisOf(value);
      const extent = shapeOf(value)[axis] ?? 0;
      if (extent > 0) one('gather', [value, indices(pick([[], [2], [2, 2], [0]]), extent)], { axis });
    },
    () => {
      const value = any();
      const axis = axisOf(value);
      const extent = shapeOf(value)[axis] ?? 0;
      if (extent === 0) return;
      const at = indices(shapeOf(value), extent);
      if (random() < 0.3) one('gather_elements', [value, at], { axis });
      else one('scatter_elements', [value, at, like(value)], { axis, reduction: pick(['none', 'none', 'add', 'max']) });
    },
    () => {
      const value = any();
      const extent = shapeOf(value)[0] ?? 0;
      if (extent === 0) return;
      const at = indices([extent, 1], extent);
      one('scatter_nd', [value, at, like(value)], { reduction: pick(['none', 'none', 'add', 'mul']) });
    },
    () => {
      const value = any();
      const operands = Array.from({ length: 1 + integer(3) }, () => (random() < 0.5 ? squashed(any()) : like(value)));
      one('concat', [value, ...operands], { axis: axisOf(value) });
    },
    () => {
      const parts = Array.from({ length: 1 + integer(3) }, () => squashed(flat(any())));
      one('concat', parts, { axis: 0 });
    },
    () => {
      const value = any();
      const axes = [...shapeOf(value).keys()].filter(() => random() < 0.6);
      if (elementCount(shapeOf(value)) > 0) one(pick(folds), [value], { axes, keep_dims: random() < 0.5 });
    },
    () => {
      const value = any();
      one(pick(['softmax', 'log_softmax', 'masked_softmax']), [value], { axis: axisOf(value) });
    },
    () => one('cumsum', [any()], { axis: 0, exclusive: random() < 0.5, reverse: random() < 0.5 }),
    () => one('broadcast_to', [any()], { shape: [2, ...shapeOf(any())] }),
    () => {
      const value = any();
      one('where', [one('greater', [value, like(value)]), value, like(value)]);
    },
    () => one('dropout', [any(), draws()], { ratio: pick([0, 0.5]), site: builder.nodes.length }),
    () => {
      const value = any();
      const [rows = 0, channels = 0] = shapeOf(value);
      if (rows === 0 || channels === 0 || shapeOf(value).length < 2) return;
      const scale = parameter([channels]);
      const [, mean, deviation] = emit('batch_norm', [value, scale, parameter([channels])], { epsilon: 1e-3 });
      if (mean === undefined || deviation === undefined) return;
      const state = ['mean', 'variance'].map((name) =>
        builder.resident('state', name, float([channels]), numbers(float([channels]), 0.5, 1)),
      );
      updates.push(() => emit('batch_norm_update', [...state, mean, deviation], { momentum: 0.9, epsilon: 1e-3 }));
    },
  ];
  for (let step = 0; step < size; step++) pick(steps)();
  const made = floats.slice(4);
  const losses: Value[] = [];
  for (let k = 1 + integer(2); k > 0; k--) {
    const value = made.length > 0 ? made[Math.max(0, made.length - 1 - integer(4))]! : floats[1]!;
    const axes = [...shapeOf(value).keys()];
    losses.push(builder.emit(opNamed('reduce_sum'), [squashed(value)], { axes, keep_dims: false }));
  }
  for (const loss of losses) builder.output(loss);
  for (let k = integer(3); k > 0 && made.length > 0; k--) builder.output(pick(made), `extra${k}`);
  builder.stamp.region = 'update';
  for (const update of updates) update();
  return {
    model: { graph: builder.finish(), weights: builder.weights },
    losses: losses.map((loss) => loss.name),
    inputs: given,
  };
}
