/** Resize and its forerunner Upsample: interpolation along each dimension. */
import type { Value } from '../../../ir/graph.ts';
import { resizeCubic, resizeLinear, resizeNearest } from '../../../ops/resize.ts';
import { frontAxis } from '../compose.ts';
import type { LoweringContext, OnnxLowering } from '../lowering.ts';

/** Sizes of the result and scales (result to operand), one for each dimension. */
interface Target {
  readonly sizes: readonly number[];
  readonly scales: readonly number[];
}

function scaledTo(x: Value, scales: readonly number[]): Target {
  return { sizes: x.type.shape.map((extent, d) => Math.floor(extent * scales[d]!)), scales };
}

/** Entries for `axes`, put in their places among `fallback`. */
function spread(c: LoweringContext, list: readonly number[], axes: readonly number[], fallback: readonly number[]) {
  if (list.length !== axes.length) c.fail(`${list.length} entries are given for ${axes.length} dimensions`);
  const all = [...fallback];
  axes.forEach((axis, i) => {
    all[axis] = list[i]!;
  });
  return all;
}

/** From sizes, which may be bounds under which the aspect ratio is kept. */
function sizedTo(c: LoweringContext, x: Value, axes: readonly number[], wanted: readonly number[]): Target {
  const { shape } = x.type;
  const sizes = spread(c, wanted, axes, shape);
  const policy = c.attributes.string('keep_aspect_ratio_policy', 'stretch');
  if (policy === 'stretch') return { sizes, scales: sizes.map((size, d) => size / shape[d]!) };
  if (policy !== 'not_larger' && policy !== 'not_smaller') c.fail(`unknown policy ${JSON.stringify(policy)}`);
  const ratios = axes.map((axis) => sizes[axis]! / shape[axis]!);
  const scale = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  const same = new Array<number>(axes.length).fill(scale);
  const kept = axes.map((axis) => Math.floor(scale * shape[axis]! + 0.5));
  return {
    sizes: spread(c, kept, axes, shape),
    scales: spread(
      c,
      same,
      axes,
      shape.map(() => 1),
    ),
  };
}

/** Operands since opset 11: image, region, scales, sizes; either of the last two. */
function targetOf(c: LoweringContext, x: Value, axes: readonly number[]): Target {
  const sizes = c.numbers(3);
  if (sizes !== undefined && sizes.length > 0) return sizedTo(c, x, axes, sizes);
  const scales = c.numbers(2);
  if (scales === undefined || scales.length === 0) return c.fail('neither scales nor sizes are given');
  return scaledTo(
    x,
    spread(
      c,
      scales,
      axes,
      x.type.shape.map(() => 1),
    ),
  );
}

function lowerResize(c: LoweringContext): Value {
  const x = c.operand(0);
  const rank = x.type.shape.length;
  if (c.opset < 11) return lowerUpsample(c);
  const axes = c.attributes.ints('axes')?.map((axis) => frontAxis(c, axis, rank)) ?? x.type.shape.map((_, d) => d);
  const coordinates = c.attributes.string('coordinate_transformation_mode', 'half_pixel');
  const common = {
    ...targetOf(c, x, axes),
    coordinates,
    region: coordinates === 'tf_crop_and_resize' ? regionOf(c, rank, axes) : [],
    extrapolation: c.attributes.float('extrapolation_value', 0),
  };
  const outside = {
    antialias: c.attributes.int('antialias', 0) !== 0,
    exclude_outside: c.attributes.int('exclude_outside', 0) !== 0,
  };
  const mode = c.attributes.string('mode', 'nearest');
  switch (mode) {
    case 'nearest':
      return c.emit(resizeNearest, [x], {
        ...common,
        rounding: c.attributes.string('nearest_mode', 'round_prefer_floor'),
      });
    case 'linear':
      return c.emit(resizeLinear, [x], { ...common, ...outside });
    case 'cubic':
      return c.emit(resizeCubic, [x], {
        ...common,
        ...outside,
        coefficient: c.attributes.float('cubic_coeff_a', -0.75),
      });
    default:
      return c.fail(`unknown mode ${JSON.stringify(mode)}`, 'the modes are nearest, linear and cubic');
  }
}

/** Starts, then ends, of each dimension, in parts of its extent. */
function regionOf(c: LoweringContext, rank: number, axes: readonly number[]): readonly number[] {
  const given = c.numbers(1) ?? c.fail('its region is left out');
  const starts = spread(c, given.slice(0, axes.length), axes, new Array<number>(rank).fill(0));
  return [...starts, ...spread(c, given.slice(axes.length), axes, new Array<number>(rank).fill(1))];
}

/** Upsample, and Resize of opset 10: scales alone, coordinates divided by them, nearest rounded down. */
function lowerUpsample(c: LoweringContext): Value {
  const x = c.operand(0);
  const scales = (c.opset < 9 ? c.attributes.floats('scales') : c.numbers(1)) ?? c.fail('its scales are left out');
  if (scales.length !== x.type.shape.length)
    c.fail(`${scales.length} scales are given for rank ${x.type.shape.length}`);
  const common = { ...scaledTo(x, scales), coordinates: 'asymmetric', region: [], extrapolation: 0 };
  const mode = c.attributes.string('mode', 'nearest');
  if (mode === 'nearest') return c.emit(resizeNearest, [x], { ...common, rounding: 'floor' });
  if (mode !== 'linear' && mode !== 'bilinear') c.fail(`unknown mode ${JSON.stringify(mode)}`);
  return c.emit(resizeLinear, [x], { ...common, antialias: false, exclude_outside: false });
}

const limits = 'scales and sizes known at compile time';

export const resizeLowerings: readonly OnnxLowering[] = [
  { onnx: 'Resize', since: 10, gradient: true, limits, lower: (c) => [lowerResize(c)] },
  { onnx: 'Upsample', since: 7, gradient: true, limits, lower: (c) => [lowerUpsample(c)] },
];
