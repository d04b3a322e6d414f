/** Operators that draw numbers: by seed and step, each node at a site of its own. */
import type { Value } from '../../../ir/graph.ts';
import { bernoulli, randomNormal, randomUniform } from '../../../ops/random.ts';
import { castTo } from '../compose.ts';
import { dtypeOf, elementTypeName } from '../element-type.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';

const word = new Float32Array(1);

/** Where a node draws; a seed of the file takes the place of the run's, as the bits of its float. */
function drawn(c: LoweringContext): { rng: Value; site: number; seed: readonly number[] } {
  const seed = c.attributes.float('seed');
  if (seed === undefined) return { ...c.random(), seed: [] };
  word[0] = seed;
  return { ...c.random(), seed: [new Int32Array(word.buffer)[0]!] };
}

/** Shape of the result: that of operand 0, or an attribute. Numbers are drawn as floats. */
function shapeOf(c: LoweringContext, like: boolean): readonly number[] {
  const to = c.attributes.int('dtype');
  const dtype = to === undefined ? (like ? c.operand(0).type.dtype : 'f32') : dtypeOf(to);
  if (dtype !== 'f32')
    c.fail(`it draws floats, not ${to === undefined ? dtype : elementTypeName(to)}`, 'set its dtype to FLOAT');
  const shape = like ? c.operand(0).type.shape : (c.attributes.ints('shape') ?? c.fail('its shape is left out'));
  if (shape.some((extent) => extent < 0)) c.fail(`its shape [${shape.join(',')}] has a negative extent`);
  return shape;
}

function uniform(onnx: string, like: boolean): OnnxLowering {
  const lower = (c: LoweringContext): readonly Value[] => {
    const { rng, ...draw } = drawn(c);
    const low = c.attributes.float('low', 0);
    const high = c.attributes.float('high', 1);
    return [c.emit(randomUniform, [rng], { shape: shapeOf(c, like), low, high, ...draw })];
  };
  return { onnx, since: 1, gradient: false, lower };
}

function normal(onnx: string, like: boolean): OnnxLowering {
  const lower = (c: LoweringContext): readonly Value[] => {
    const { rng, ...draw } = drawn(c);
    const mean = c.attributes.float('mean', 0);
    const scale = c.attributes.float('scale', 1);
    return [c.emit(randomNormal, [rng], { shape: shapeOf(c, like), mean, scale, ...draw })];
  };
  return { onnx, since: 1, gradient: false, lower };
}

export const randomLowerings: readonly OnnxLowering[] = [
  uniform('RandomUniform', false),
  uniform('RandomUniformLike', true),
  normal('RandomNormal', false),
  normal('RandomNormalLike', true),
  {
    onnx: 'Bernoulli',
    since: 15,
    gradient: false,
    lower: (c) => {
      const p = c.operand(0);
      if (p.type.dtype !== 'f32') c.fail(`its probabilities are ${p.type.dtype}, not floats`);
      const { rng, ...draw } = drawn(c);
      const to = c.attributes.int('dtype');
      const dtype =
        to === undefined ? 'f32' : (dtypeOf(to) ?? c.fail(`element type ${elementTypeName(to)} is not supported`));
      return [castTo(c, c.emit(bernoulli, [p, rng], draw), dtype)];
    },
  },
];
