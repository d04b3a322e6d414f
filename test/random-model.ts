/**
 * Random models over the whole op table, for the differential checks: shared parameters, several losses, views,
 * multi-result nodes, random ops, state.
 *
 * Ops are applied to the operand types of their own examples; an adapter of views, slices and copies makes any value
 * of the graph fit any such type, so that the graph is one connected web.
 */
import { allocateArray } from '../runtime/memory.ts';
import { elementCount, type Model, sameShape, type Tensor, type TensorType, type Value } from '../src/ir/graph.ts';
import { GraphBuilder } from '../src/ir/graph-builder.ts';
import type { Op, OpExample } from '../src/ir/op.ts';
import { opNamed, ops } from '../src/ops/table.ts';

export interface RandomModel {
  readonly model: Model;
  readonly losses: readonly string[];
  readonly inputs: ReadonlyMap<string, Tensor>;
}

/** A small generator with a 32-bit state (mulberry32). */
export function randomSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Ops that may stand in a forward graph; those that only gradient rules emit have no gradient of their own. */
const forwardOps = [...ops.values()].filter((op) => {
  const example = op.examples[0];
  if (op.effect === 'state' || op.effect === 'update' || example === undefined) return false;
  const floats = (types: readonly TensorType[]): boolean => types.some((type) => type.dtype === 'f32');
  const mapsFloats = floats(example.operands) && floats(op.infer(example.operands, example.attributes));
  return op.gradient !== undefined || !mapsFloats;
});
const stateOps = [...ops.values()].filter((op) => op.effect === 'state' && op.examples.length > 0);

/** `size`: how many ops are drawn from the table; adapters come on top. */
export function randomModel(seed: number, size: number): RandomModel {
  const random = randomSource(seed);
  const integer = (bound: number): number => Math.floor(random() * bound);
  const builder = new GraphBuilder(`random_${seed}`);
  const inputs = new Map<string, Tensor>();
  const floats: Value[] = [];
  const draw = (type: TensorType, low: number, high: number): Tensor => {
    const data = allocateArray(type.dtype, elementCount(type.shape));
    for (let i = 0; i < data.length; i++)
      data[i] = type.dtype === 'f32' ? low + (high - low) * random() : low + Math.floor(random() * (high - low + 1));
    return { type, data };
  };
  const parameter = (type: TensorType): Value => {
    const value = builder.resident('parameter', `w${floats.length}`, type, Float32Array.from(draw(type, -1, 1).data));
    floats.push(value);
    return value;
  };
  const input = (type: TensorType, low: number, high: number): Value => {
    const value = builder.resident('input', `x${inputs.size}`, type);
    inputs.set(value.name, draw(type, low, high));
    return value;
  };
  floats.push(input({ dtype: 'f32', shape: [3, 4] }, -1, 1));
  parameter({ dtype: 'f32', shape: [4] });
  let rng: Value | undefined;
  const emit = (name: string, operands: readonly Value[], attributes = {}): Value =>
    builder.emit(opNamed(name), operands, attributes);

  /** A run of the elements of a vector: one of the parts of a split, or a slice. */
  const viewPart = (flat: Value, shape: readonly number[], offset: number): Value => {
    const [total] = flat.type.shape as readonly [number];
    const count = elementCount(shape);
    if (random() < 0.5) return emit('view_slice', [flat], { offset, shape });
    const sizes = [offset, count, total - offset - count];
    const part = builder.emitAll(opNamed('split_view'), [flat], { axis: 0, sizes })[1]!;
    return emit('reshape', [part], { shape });
  };

  /** A value of exactly this type and range, made from one of the graph's. */
  const adapt = (type: TensorType, range: readonly [number, number] | undefined): Value => {
    const wanted = elementCount(type.shape);
    const same = floats.filter((value) => sameShape(value.type.shape, type.shape));
    let value = same.length > 0 && random() < 0.5 ? same[integer(same.length)]! : floats[integer(floats.length)]!;
    if (wanted === 0 || elementCount(value.type.shape) === 0 || random() < 0.15) value = parameter(type);
    // A part that is cut off by a view is squashed before, so that what reads it reads a view.
    let squashed = false;
    if (!sameShape(value.type.shape, type.shape)) {
      let flat = emit('reshape', [value], { shape: [elementCount(value.type.shape)] });
      while (elementCount(flat.type.shape) < wanted) flat = emit('concat', [flat, flat], { axis: 0 });
      const surplus = elementCount(flat.type.shape) - wanted;
      squashed = range === undefined && random() < 0.5;
      if (squashed) value = viewPart(emit('tanh', [flat]), type.shape, random() < 0.5 ? 0 : integer(surplus + 1));
      else {
        if (surplus > 0) flat = emit('slice', [flat], { axes: [0], starts: [0], ends: [wanted], steps: [1] });
        value = emit('reshape', [flat], { shape: type.shape });
      }
    }
    if (squashed) return value;
    if (range === undefined) return emit('tanh', [value]);
    const unit = emit('sigmoid', [value]);
    return emit('add_scalar', [emit('scale', [unit], { factor: range[1] - range[0] })], { value: range[0] });
  };

  const operandsOf = (op: Op, example: OpExample): readonly Value[] => {
    const chosen: Value[] = [];
    example.operands.forEach((type, i) => {
      chosen.push(
        operandOf(op, type, example.ranges?.[i] ?? (type.dtype === 'f32' ? example.range : undefined), chosen),
      );
    });
    return chosen;
  };

  /** `before`: the operands chosen so far; one of floats may be given again, in part too. */
  const operandOf = (
    op: Op,
    type: TensorType,
    range: readonly [number, number] | undefined,
    before: readonly Value[],
  ): Value => {
    if (op.effect === 'random' && type.dtype === 'i32') {
      rng ??= builder.resident('input', 'rng', { dtype: 'i32', shape: [2] });
      return rng;
    }
    if (type.dtype !== 'f32') {
      const [low, high] = range ?? [0, 1];
      return input(type, low, high);
    }
    const count = elementCount(type.shape);
    const again = before.find(({ type: { dtype, shape } }) => dtype === 'f32' && elementCount(shape) >= count);
    if (range !== undefined || again === undefined || random() < 0.7) return adapt(type, range);
    if (sameShape(again.type.shape, type.shape)) return again;
    const total = elementCount(again.type.shape);
    return viewPart(emit('reshape', [again], { shape: [total] }), type.shape, integer(total - count + 1));
  };

  for (let step = 0; step < size; step++) {
    const op = forwardOps[integer(forwardOps.length)]!;
    const example = op.examples[integer(op.examples.length)]!;
    const attributes = 'site' in example.attributes ? { ...example.attributes, site: step } : example.attributes;
    const results = builder.emitAll(op, operandsOf(op, example), attributes);
    for (const result of results)
      if (result.type.dtype === 'f32' && elementCount(result.type.shape) > 0) floats.push(result);
  }
  const losses: Value[] = [];
  const lossCount = 1 + integer(3);
  for (let k = 0; k < lossCount; k++) {
    const value = floats[Math.max(0, floats.length - 1 - integer(4))]!;
    const squashed = emit('tanh', [value]);
    losses.push(emit('reduce_sum', [squashed], { axes: value.type.shape.map((_, axis) => axis), keep_dims: false }));
  }
  for (const loss of losses) builder.output(loss);
  if (random() < 0.5) builder.output(floats[integer(floats.length)]!, 'extra');
  if (stateOps.length > 0 && random() < 0.5) {
    const op = stateOps[integer(stateOps.length)]!;
    const example = op.examples[0]!;
    const read = operandsOf(op, example);
    const operands = read.map((value, i) =>
      op.writes?.includes(i) === true
        ? builder.resident('state', `state${i}`, value.type, Float32Array.from(draw(value.type, 0.5, 1).data))
        : value,
    );
    builder.stamp.region = 'update';
    builder.emitAll(op, operands, example.attributes);
  }
  const graph = builder.finish();
  return { model: { graph, weights: builder.weights }, losses: losses.map((loss) => loss.name), inputs };
}
