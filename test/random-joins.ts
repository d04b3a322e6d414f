/** Random models that put values side by side again and again: vectors of any length, in one piece or not. */
import { elementCount, type Tensor, type TensorType, type Value } from '../src/ir/graph.ts';
import { GraphBuilder } from '../src/ir/graph-builder.ts';
import { opNamed } from '../src/ops/table.ts';
import { type RandomModel, randomSource } from './random-model.ts';

const alike = ['tanh', 'sigmoid', 'sin', 'cos', 'negate'] as const;
const lengths = [16, 16, 32, 48, 5, 33];

/** `size`: how many nodes are drawn. `scale`: how many times as long the vectors are. */
export function randomJoins(seed: number, size: number, scale = 1): RandomModel {
  const random = randomSource(seed);
  const integer = (bound: number): number => Math.floor(random() * bound);
  const builder = new GraphBuilder(`joins_${seed}`);
  const inputs = new Map<string, Tensor>();
  const values: Value[] = [];
  const numbers = (type: TensorType): Float32Array =>
    Float32Array.from({ length: elementCount(type.shape) }, () => 2 * random() - 1);
  for (let i = 0; i < 2; i++) {
    const type: TensorType = { dtype: 'f32', shape: [scale * lengths[integer(lengths.length)]!] };
    values.push(builder.resident('input', `x${i}`, type));
    inputs.set(`x${i}`, { type, data: numbers(type) });
    values.push(builder.resident('parameter', `w${i}`, type, numbers(type)));
  }
  const emit = (name: string, operands: readonly Value[], attributes = {}): Value =>
    builder.emit(opNamed(name), operands, attributes);
  const any = (): Value =>
    values[random() < 0.6 ? Math.max(0, values.length - 1 - integer(3)) : integer(values.length)]!;
  const flat = (value: Value): Value => emit('reshape', [value], { shape: [elementCount(value.type.shape)] });
  const map = (value: Value): Value => emit(alike[integer(alike.length)]!, [value]);
  /** Side by side along the only dimension, behind one of extent 1, or in pieces that are not whole. */
  const join = (operands: readonly Value[]): Value => {
    const way = integer(4);
    if (way < 2) return emit('concat', operands, { axis: 0 });
    if (way === 2) {
      const rows = operands.map((x) => emit('reshape', [x], { shape: [1, elementCount(x.type.shape), 1] }));
      return flat(emit('concat', rows, { axis: 1 }));
    }
    const even = operands.map((x) => emit('concat', [x, x], { axis: 0 }));
    const pairs = even.map((x) => emit('reshape', [x], { shape: [2, elementCount(x.type.shape) / 2] }));
    return flat(emit('concat', pairs, { axis: 1 }));
  };
  for (let step = 0; step < size; step++) {
    const value = any();
    const kind = integer(6);
    if (kind === 0) values.push(map(value));
    else if (kind === 1) {
      const length = elementCount(value.type.shape);
      const from = integer(length);
      values.push(emit('slice', [value], { axes: [0], starts: [from], ends: [length], steps: [1] }));
    } else if (kind === 2) {
      const other = values.find((x) => x !== value && x.type.shape[0] === value.type.shape[0]);
      values.push(other === undefined ? map(value) : emit('multiply', [value, other]));
    } else {
      const operands = Array.from({ length: 1 + integer(3) }, () => (random() < 0.7 ? map(any()) : any()));
      const joined = join(operands);
      const long = elementCount(joined.type.shape) > 400 * scale;
      values.push(
        long ? emit('slice', [joined], { axes: [0], starts: [0], ends: [200 * scale], steps: [1] }) : joined,
        map(values[values.length - 1]!),
      );
    }
  }
  const loss = emit('reduce_sum', [emit('tanh', [values[values.length - 1]!])], { axes: [0], keep_dims: false });
  builder.output(loss);
  if (random() < 0.5) builder.output(values[integer(values.length)]!, 'extra');
  return { model: { graph: builder.finish(), weights: builder.weights }, losses: [loss.name], inputs };
}
