/**
 * Resizing along one axis, as ONNX defines it, and its adjoint. Resizing is a linear map that separates: several axes are
 * several passes. A pass first writes into scratch which elements each position reads and with what weights.
 *
 * `how` is [mode, coordinates, rounding, scale, start, end, coefficient, excludeOutside, antialias, extrapolation]: mode 0
 * nearest, 1 linear, 2 cubic; coordinates and rounding as in `resizeCoordinates` and `resizeRoundings`; start and end of
 * the region and the extrapolation value matter for tf_crop_and_resize alone.
 */
import type { Memory } from '../memory.ts';

/** Numbered by their place: how a position of the result maps to a coordinate of the operand. */
export const resizeCoordinates: readonly string[] = [
  'half_pixel',
  'half_pixel_symmetric',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
  'tf_crop_and_resize',
];

/** Numbered by their place: which element is nearest. */
export const resizeRoundings: readonly string[] = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'];

/** Elements that one position reads. */
export function resizeTaps(how: readonly number[]): number {
  const mode = how[0]!;
  if (mode === 0) return 1;
  return 2 - 2 * firstTap(mode, spread(how));
}

/** By how much the kernel is stretched: the scale where it shrinks with antialiasing, else 1. */
function spread(how: readonly number[]): number {
  return how[8] === 1 ? Math.min(how[3]!, 1) : 1;
}

/** First tap relative to the floor of the coordinate. */
function firstTap(mode: number, scale: number): number {
  return Math.floor(-mode / scale) + 1;
}

function coordinate(position: number, from: number, to: number, how: readonly number[]): number {
  const scale = how[3]!;
  switch (how[1]) {
    case 1: {
      // The result's extent is rounded; its centre stays on the operand's.
      const adjustment = to / (scale * from);
      return (from / 2) * (1 - adjustment) + (position + 0.5) / scale - 0.5;
    }
    case 2:
      return to > 1 ? (position + 0.5) / scale - 0.5 : 0;
    case 3:
      return to > 1 ? (position * (from - 1)) / (to - 1) : 0;
    case 4:
      return position / scale;
    case 5:
      return to > 1
        ? how[4]! * (from - 1) + (position * (how[5]! - how[4]!) * (from - 1)) / (to - 1)
        : 0.5 * (how[4]! + how[5]!) * (from - 1);
    default:
      return (position + 0.5) / scale - 0.5;
  }
}

function nearest(x: number, rounding: number): number {
  switch (rounding) {
    case 1:
      return Math.floor(x + 0.5);
    case 2:
      return Math.floor(x);
    case 3:
      return Math.ceil(x);
    default:
      return Math.ceil(x - 0.5);
  }
}

/** Weight of an element at distance x: the triangle, or Keys' cubic (1981) with the given coefficient. */
function weightAt(x: number, mode: number, a: number): number {
  const d = Math.abs(x);
  if (mode === 1) return Math.max(0, 1 - d);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/**
 * Fills the table at double `at` with (element, weight) pairs, `taps` for each position of the result. The element is -1
 * where the position lies outside the operand and gets the extrapolation value.
 */
export function fillTable(m: Memory, at: number, from: number, to: number, taps: number, how: readonly number[]): void {
  const t = m.f64;
  const mode = how[0]!;
  const scale = spread(how);
  for (let position = 0; position < to; position++, at += 2 * taps) {
    const x = coordinate(position, from, to, how);
    if (how[1] === 5 && (x < 0 || x > from - 1)) {
      t[at] = -1;
      continue;
    }
    if (mode === 0) {
      t[at] = Math.max(0, Math.min(from - 1, nearest(x, how[2]!)));
      t[at + 1] = 1;
      continue;
    }
    const floor = Math.floor(x);
    const first = floor + firstTap(mode, scale);
    let total = 0;
    for (let k = 0; k < taps; k++) {
      const element = first + k;
      const outside = element < 0 || element >= from;
      const weight = outside && how[7] === 1 ? 0 : weightAt((element - x) * scale, mode, how[6]!);
      t[at + 2 * k] = Math.max(0, Math.min(from - 1, element));
      t[at + 2 * k + 1] = weight;
      total += weight;
    }
    if (how[7] === 1 || how[8] === 1) for (let k = 0; k < taps; k++) t[at + 2 * k + 1] = t[at + 2 * k + 1]! / total;
  }
}

/** out [outer, to, inner] = x [outer, from, inner] resized; `table` is scratch of 16 * to * taps bytes. */
export function resizeAxis(
  m: Memory,
  x: number,
  out: number,
  table: number,
  outer: number,
  from: number,
  to: number,
  inner: number,
  how: readonly number[],
): void {
  const f = m.f32;
  const t = m.f64;
  const taps = resizeTaps(how);
  fillTable(m, table / 8, from, to, taps, how);
  let o = out / 4;
  for (let row = 0; row < outer; row++) {
    const base = x / 4 + row * from * inner;
    for (let position = 0; position < to; position++, o += inner) {
      const at = table / 8 + 2 * taps * position;
      if (t[at]! < 0) {
        f.fill(how[9]!, o, o + inner);
        continue;
      }
      for (let k = 0; k < inner; k++) {
        let sum = 0;
        for (let j = at; j < at + 2 * taps; j += 2) sum += t[j + 1]! * f[base + t[j]! * inner + k]!;
        f[o + k] = sum;
      }
    }
  }
}

/** dx [outer, from, inner] = the adjoint of `resizeAxis` applied to dy [outer, to, inner]. */
export function resizeAxisGrad(
  m: Memory,
  dy: number,
  dx: number,
  table: number,
  outer: number,
  from: number,
  to: number,
  inner: number,
  how: readonly number[],
): void {
  const f = m.f32;
  const t = m.f64;
  const taps = resizeTaps(how);
  fillTable(m, table / 8, from, to, taps, how);
  f.fill(0, dx / 4, dx / 4 + outer * from * inner);
  let i = dy / 4;
  for (let row = 0; row < outer; row++) {
    const base = dx / 4 + row * from * inner;
    for (let position = 0; position < to; position++, i += inner) {
      const at = table / 8 + 2 * taps * position;
      if (t[at]! < 0) continue;
      for (let j = at; j < at + 2 * taps; j += 2) {
        const o = base + t[j]! * inner;
        const weight = t[j + 1]!;
        for (let k = 0; k < inner; k++) f[o + k] = f[o + k]! + weight * f[i + k]!;
      }
    }
  }
}
