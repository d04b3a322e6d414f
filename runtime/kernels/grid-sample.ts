/**
 * Sampling images at the points of a grid (Jaderberg et al. 2015, arXiv 1506.02025), as ONNX and PyTorch define it, and
 * its gradients in image and grid. For a block of points a table is written first: which elements each reads, and with
 * what weights. Its start holds the taps along the three axes of one point.
 *
 * `geometry` is [rank, depth, height, width, mode, padding, alignCorners]: of 1 to 3 spatial dimensions the missing ones
 * have extent 1; mode 0 nearest, 1 linear, 2 cubic; padding as in `samplePaddings`.
 */
import type { Memory } from '../memory.ts';

/** Numbered by their place: what lies outside of the image. */
export const samplePaddings: readonly string[] = ['zeros', 'border', 'reflection'];

/** Keys' coefficient (1981), as PyTorch and ONNX have it. */
const sampleCoefficient = -0.75;

/** Beyond it coordinates of a grid are no different. */
const farAway = 2 ** 30;

/** Elements that one point reads along one axis, and along all. */
function axisTaps(mode: number): number {
  return mode === 2 ? 4 : mode + 1;
}
export function sampleTaps(geometry: readonly number[]): number {
  return axisTaps(geometry[4]!) ** geometry[0]!;
}

/** Doubles in front of the table: three axes of at most 4 taps of (element, weight, slope). */
const sampleTableStart = 36;

/** Points of a block. */
const sampleBlock = 32;

/** Doubles of a tap: (element, weight), or the element and the slopes of its weight along each axis. */
function sampleEntry(geometry: readonly number[], slopes: boolean): number {
  return slopes ? 1 + geometry[0]! : 2;
}

/** Bytes of the table for `count` points. */
export function gridSampleScratch(count: number, geometry: readonly number[], slopes: boolean): number {
  if (count === 0) return 0;
  return 8 * (sampleTableStart + Math.min(sampleBlock, count) * sampleTaps(geometry) * sampleEntry(geometry, slopes));
}

/** Nearest integer, the even one of two (as IEEE 754 rounds). */
function roundEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Times that x is reflected at the ends of [low, low + span] before it lies within; odd where directions change. */
function reflections(x: number, low: number, span: number): number {
  return Math.floor((x - low) / span);
}

function reflected(x: number, low: number, span: number): number {
  if (span === 0) return low;
  const times = reflections(x, low, span);
  const within = x - low - times * span;
  return times % 2 === 0 ? low + within : low + span - within;
}

/** The element that stands for position `i`, which may lie outside; -1 where nothing does. */
function paddedElement(i: number, extent: number, padding: number, align: number): number {
  if (i >= 0 && i < extent) return i;
  if (padding === 0) return -1;
  const mirrored = padding === 1 ? i : align === 1 ? reflected(i, 0, extent - 1) : reflected(i, -0.5, extent);
  return mirrored <= 0 ? 0 : mirrored >= extent - 1 ? extent - 1 : mirrored;
}

/** Keys' kernel at distance d >= 0, and its derivative. */
function cubicWeight(d: number): number {
  const a = sampleCoefficient;
  return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
}
function cubicSlope(d: number): number {
  const a = sampleCoefficient;
  return d <= 1 ? (3 * (a + 2) * d - 2 * (a + 3)) * d : (3 * a * d - 10 * a) * d + 8 * a;
}

/** Writes the taps of grid coordinate `g` along an axis: (element or -1, weight, derivative of the weight by g). */
function fillAxis(
  m: Memory,
  at: number,
  g: number,
  extent: number,
  mode: number,
  padding: number,
  align: number,
): void {
  const t = m.f64;
  // NaN counts as -1, as PyTorch says; infinity as far away.
  const from = Number.isNaN(g) ? -1 : Math.max(-farAway, Math.min(farAway, g));
  let rate = align === 1 ? (extent - 1) / 2 : extent / 2;
  let x = align === 1 ? (from + 1) * rate : (from + 1) * rate - 0.5;
  if (mode === 0) {
    t[at] = paddedElement(roundEven(x), extent, padding, align);
    t[at + 1] = 1;
    t[at + 2] = 0;
    return;
  }
  if (mode === 1 && padding > 0) {
    if (padding === 2) {
      const low = align === 1 ? 0 : -0.5;
      const span = align === 1 ? extent - 1 : extent;
      if (span > 0 && reflections(x, low, span) % 2 !== 0) rate = -rate;
      x = reflected(x, low, span);
    }
    // At the border itself nothing changes any more, by PyTorch's convention.
    if (x <= 0 || x >= extent - 1) rate = 0;
    x = x <= 0 ? 0 : x >= extent - 1 ? extent - 1 : x;
  }
  const floor = Math.floor(x);
  const rest = x - floor;
  if (mode === 1) {
    t[at] = paddedElement(floor, extent, 0, align);
    t[at + 1] = 1 - rest;
    t[at + 2] = -rate;
    t[at + 3] = paddedElement(floor + 1, extent, 0, align);
    t[at + 4] = rest;
    t[at + 5] = rate;
    return;
  }
  for (let k = -1; k < 3; k++, at += 3) {
    t[at] = paddedElement(floor + k, extent, padding, align);
    t[at + 1] = cubicWeight(Math.abs(rest - k));
    t[at + 2] = rate * (rest < k ? -cubicSlope(k - rest) : cubicSlope(rest - k));
  }
}

/** Fills the table at double `at` for `count` points, the first of them at element `point` of the grid. */
function fillSamples(
  m: Memory,
  at: number,
  point: number,
  count: number,
  geometry: readonly number[],
  slopes: boolean,
): void {
  const t = m.f64;
  const rank = geometry[0]!;
  const height = geometry[2]!;
  const mode = geometry[4]!;
  const padding = geometry[5]!;
  const align = geometry[6]!;
  const taps = axisTaps(mode);
  const tapsD = rank > 2 ? taps : 1;
  const tapsH = rank > 1 ? taps : 1;
  const d = at;
  const h = at + 12;
  const w = at + 24;
  const width = geometry[3]!;
  t[d] = t[h] = 0;
  t[d + 1] = t[h + 1] = 1;
  let o = at + sampleTableStart;
  for (let p = 0; p < count; p++, point += rank) {
    fillAxis(m, w, m.f32[point]!, width, mode, padding, align);
    if (rank > 1) fillAxis(m, h, m.f32[point + 1]!, height, mode, padding, align);
    if (rank > 2) fillAxis(m, d, m.f32[point + 2]!, geometry[1]!, mode, padding, align);
    for (let i = d; i < d + 3 * tapsD; i += 3)
      for (let j = h; j < h + 3 * tapsH; j += 3)
        for (let k = w; k < w + 3 * taps; k += 3) {
          const inside = t[i]! >= 0 && t[j]! >= 0 && t[k]! >= 0;
          t[o++] = inside ? (t[i]! * height + t[j]!) * width + t[k]! : -1;
          if (!slopes) {
            t[o++] = t[i + 1]! * t[j + 1]! * t[k + 1]!;
            continue;
          }
          t[o++] = t[i + 1]! * t[j + 1]! * t[k + 2]!;
          if (rank > 1) t[o++] = t[i + 1]! * t[j + 2]! * t[k + 1]!;
          if (rank > 2) t[o++] = t[i + 2]! * t[j + 1]! * t[k + 1]!;
        }
  }
}

/** What is done with a block of points of image `n`: `count` of them from `first` on, their taps in the table. */
type RunBlock = (n: number, first: number, count: number) => void;

/** Fills the table for one block after another, and runs `run` on each. */
function sampleBlocks(
  m: Memory,
  grid: number,
  table: number,
  batch: number,
  points: number,
  start: number,
  count: number,
  geometry: readonly number[],
  slopes: boolean,
  run: RunBlock,
): void {
  for (let n = 0; n < batch; n++)
    for (let first = start; first < start + count; first += sampleBlock) {
      const own = Math.min(sampleBlock, start + count - first);
      fillSamples(m, table / 8, grid / 4 + (n * points + first) * geometry[0]!, own, geometry, slopes);
      run(n, first, own);
    }
}

/** Elements of one channel of an image. */
export function samplePlane(geometry: readonly number[]): number {
  return geometry[1]! * geometry[2]! * geometry[3]!;
}

/**
 * out [batch, channels, points] = x [batch, channels, ...] at grid [batch, points, rank], whose last dimension counts the
 * axes from the last on; of the points only `count` from `start` on.
 */
export function gridSample(
  m: Memory,
  x: number,
  grid: number,
  out: number,
  table: number,
  batch: number,
  channels: number,
  points: number,
  start: number,
  count: number,
  geometry: readonly number[],
): void {
  const f = m.f32;
  const t = m.f64;
  const plane = samplePlane(geometry);
  const step = 2 * sampleTaps(geometry);
  sampleBlocks(m, grid, table, batch, points, start, count, geometry, false, (n, first, own) => {
    for (let c = n * channels; c < (n + 1) * channels; c++) {
      const base = x / 4 + c * plane;
      let at = table / 8 + sampleTableStart;
      let o = out / 4 + c * points + first;
      for (let p = 0; p < own; p++) {
        let sum = 0;
        for (const end = at + step; at < end; at += 2) if (t[at]! >= 0) sum += t[at + 1]! * f[base + t[at]!]!;
        f[o++] = sum;
      }
    }
  });
}

/** dx [batch, channels, ...]: each element of dy [batch, channels, points] goes back to what was read. */
export function gridSampleGradInput(
  m: Memory,
  dy: number,
  grid: number,
  dx: number,
  table: number,
  batch: number,
  channels: number,
  points: number,
  geometry: readonly number[],
): void {
  const f = m.f32;
  const t = m.f64;
  const plane = samplePlane(geometry);
  const step = 2 * sampleTaps(geometry);
  f.fill(0, dx / 4, dx / 4 + batch * channels * plane);
  sampleBlocks(m, grid, table, batch, points, 0, points, geometry, false, (n, first, own) => {
    for (let c = n * channels; c < (n + 1) * channels; c++) {
      const base = dx / 4 + c * plane;
      let at = table / 8 + sampleTableStart;
      let i = dy / 4 + c * points + first;
      for (let p = 0; p < own; p++, i++)
        for (const end = at + step; at < end; at += 2) {
          if (t[at]! < 0 || f[i] === 0) continue;
          const o = base + t[at]!;
          f[o] = f[o]! + t[at + 1]! * f[i]!;
        }
    }
  });
}

/** dgrid [batch, points, rank] from dy [batch, channels, points] and x; of the points only `count` from `start` on. */
export function gridSampleGradGrid(
  m: Memory,
  dy: number,
  x: number,
  grid: number,
  dgrid: number,
  table: number,
  batch: number,
  channels: number,
  points: number,
  start: number,
  count: number,
  geometry: readonly number[],
): void {
  const f = m.f32;
  const t = m.f64;
  const rank = geometry[0]!;
  const plane = samplePlane(geometry);
  const step = sampleTaps(geometry) * (1 + rank);
  sampleBlocks(m, grid, table, batch, points, start, count, geometry, true, (n, first, own) => {
    let at = table / 8 + sampleTableStart;
    let o = dgrid / 4 + (n * points + first) * rank;
    for (let p = first; p < first + own; p++) {
      let sumX = 0;
      let sumY = 0;
      let sumZ = 0;
      for (const end = at + step; at < end; at += 1 + rank) {
        if (t[at]! < 0) continue;
        let i = dy / 4 + n * channels * points + p;
        let j = x / 4 + n * channels * plane + t[at]!;
        let product = 0;
        let isRead = false;
        for (let c = 0; c < channels; c++, i += points, j += plane) {
          if (f[i] === 0) continue;
          product += f[i]! * f[j]!;
          isRead = true;
        }
        if (!isRead) continue;
        sumX += t[at + 1]! * product;
        if (rank > 1) sumY += t[at + 2]! * product;
        if (rank > 2) sumZ += t[at + 3]! * product;
      }
      f[o++] = sumX;
      if (rank > 1) f[o++] = sumY;
      if (rank > 2) f[o++] = sumZ;
    }
  });
}
