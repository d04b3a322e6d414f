/**
 * Sampling images at the points of a grid. As in the plain kernels, a table is written for a block of points first, and
 * all arithmetic is in doubles: results are those of the plain kernels, bit for bit.
 */

/** Doubles in front of the table: three axes of at most 4 taps of (element, weight, slope). */
const tableStart: usize = 36 * 8;
const axisBytes: usize = 12 * 8;
const blockPoints: i32 = 32;
const coefficient: f64 = -0.75;
const farAway: f64 = 1073741824;

let rank: i32 = 0;
let depth: i32 = 0;
let height: i32 = 0;
let width: i32 = 0;
let mode: i32 = 0;
let padding: i32 = 0;
let align: bool = false;

function setGeometry(r: i32, d: i32, h: i32, w: i32, m: i32, p: i32, a: i32): void {
  rank = r;
  depth = d;
  height = h;
  width = w;
  mode = m;
  padding = p;
  align = a == 1;
}

@inline
function axisTaps(): i32 {
  return mode == 2 ? 4 : mode + 1;
}

function allTaps(): i32 {
  const taps = axisTaps();
  return rank == 1 ? taps : rank == 2 ? taps * taps : taps * taps * taps;
}

@inline
function isOdd(x: f64): bool {
  return x != 2 * Math.floor(x / 2);
}

function roundEven(x: f64): f64 {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest != 0.5) return rest < 0.5 ? floor : floor + 1;
  return isOdd(floor) ? floor + 1 : floor;
}

@inline
function reflections(x: f64, low: f64, span: f64): f64 {
  return Math.floor((x - low) / span);
}

function reflected(x: f64, low: f64, span: f64): f64 {
  if (span == 0) return low;
  const times = reflections(x, low, span);
  const within = x - low - times * span;
  return isOdd(times) ? low + span - within : low + within;
}

function paddedElement(i: f64, extent: f64, pad: i32): f64 {
  if (i >= 0 && i < extent) return i;
  if (pad == 0) return -1;
  const mirrored = pad == 1 ? i : align ? reflected(i, 0, extent - 1) : reflected(i, -0.5, extent);
  return mirrored <= 0 ? 0 : mirrored >= extent - 1 ? extent - 1 : mirrored;
}

function cubicWeight(d: f64): f64 {
  const a = coefficient;
  return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
}

function cubicSlope(d: f64): f64 {
  const a = coefficient;
  return d <= 1 ? (3 * (a + 2) * d - 2 * (a + 3)) * d : (3 * a * d - 10 * a) * d + 8 * a;
}

@inline
function storeTap(at: usize, element: f64, weight: f64, slope: f64): void {
  store<f64>(at, element);
  store<f64>(at, weight, 8);
  store<f64>(at, slope, 16);
}

function fillAxis(at: usize, g: f64, extent: f64): void {
  const from: f64 = g == g ? Math.max(-farAway, Math.min(farAway, g)) : -1;
  let rate = align ? (extent - 1) / 2 : extent / 2;
  let x = align ? (from + 1) * rate : (from + 1) * rate - 0.5;
  if (mode == 0) {
    storeTap(at, paddedElement(roundEven(x), extent, padding), 1, 0);
    return;
  }
  if (mode == 1 && padding > 0) {
    if (padding == 2) {
      const low: f64 = align ? 0 : -0.5;
      const span = align ? extent - 1 : extent;
      if (span > 0 && isOdd(reflections(x, low, span))) rate = -rate;
      x = reflected(x, low, span);
    }
    if (x <= 0 || x >= extent - 1) rate = 0;
    x = x <= 0 ? 0 : x >= extent - 1 ? extent - 1 : x;
  }
  const floor = Math.floor(x);
  const rest = x - floor;
  if (mode == 1) {
    storeTap(at, paddedElement(floor, extent, 0), 1 - rest, -rate);
    storeTap(at + 24, paddedElement(floor + 1, extent, 0), rest, rate);
    return;
  }
  for (let k: f64 = -1; k < 3; k++, at += 24) {
    const slope = rest < k ? -cubicSlope(k - rest) : cubicSlope(rest - k);
    storeTap(at, paddedElement(floor + k, extent, padding), cubicWeight(Math.abs(rest - k)), rate * slope);
  }
}

/** The table of `count` points from `point` on: (element, weight) of each tap, or the element and its weight's slopes. */
function fillSamples(at: usize, point: usize, count: i32, slopes: bool): void {
  const taps = axisTaps();
  const d = at;
  const h = at + axisBytes;
  const w = h + axisBytes;
  const endD = d + 24 * <usize>(rank > 2 ? taps : 1);
  const endH = h + 24 * <usize>(rank > 1 ? taps : 1);
  const endW = w + 24 * <usize>taps;
  storeTap(d, 0, 1, 0);
  storeTap(h, 0, 1, 0);
  let o = at + tableStart;
  for (let p = 0; p < count; p++, point += (<usize>rank) << 2) {
    fillAxis(w, <f64>load<f32>(point), <f64>width);
    if (rank > 1) fillAxis(h, <f64>load<f32>(point, 4), <f64>height);
    if (rank > 2) fillAxis(d, <f64>load<f32>(point, 8), <f64>depth);
    for (let i = d; i < endD; i += 24)
      for (let j = h; j < endH; j += 24)
        for (let k = w; k < endW; k += 24) {
          const inside = load<f64>(i) >= 0 && load<f64>(j) >= 0 && load<f64>(k) >= 0;
          store<f64>(o, inside ? (load<f64>(i) * <f64>height + load<f64>(j)) * <f64>width + load<f64>(k) : -1);
          o += 8;
          const weightD = load<f64>(i, 8);
          const weightH = load<f64>(j, 8);
          store<f64>(o, weightD * weightH * (slopes ? load<f64>(k, 16) : load<f64>(k, 8)));
          o += 8;
          if (!slopes) continue;
          if (rank > 1) {
            store<f64>(o, weightD * load<f64>(j, 16) * load<f64>(k, 8));
            o += 8;
          }
          if (rank > 2) {
            store<f64>(o, load<f64>(i, 16) * weightH * load<f64>(k, 8));
            o += 8;
          }
        }
  }
}

export function gridSample(
  x: usize,
  grid: usize,
  out: usize,
  table: usize,
  batch: i32,
  channels: i32,
  points: i32,
  start: i32,
  count: i32,
  r: i32,
  d: i32,
  h: i32,
  w: i32,
  m: i32,
  pad: i32,
  a: i32,
): void {
  setGeometry(r, d, h, w, m, pad, a);
  const plane = (<usize>(d * h * w)) << 2;
  const step = (<usize>allTaps()) << 4;
  for (let n = 0; n < batch; n++)
    for (let first = start; first < start + count; first += blockPoints) {
      const own = min(blockPoints, start + count - first);
      fillSamples(table, grid + ((<usize>((n * points + first) * rank)) << 2), own, false);
      for (let c = n * channels; c < (n + 1) * channels; c++) {
        const base = x + <usize>c * plane;
        let at = table + tableStart;
        let o = out + ((<usize>(c * points + first)) << 2);
        for (let p = 0; p < own; p++, o += 4) {
          let sum: f64 = 0;
          for (const end = at + step; at < end; at += 16) {
            const element = load<f64>(at);
            if (element >= 0) sum += load<f64>(at, 8) * <f64>load<f32>(base + ((<usize>element) << 2));
          }
          store<f32>(o, <f32>sum);
        }
      }
    }
}

export function gridSampleGradInput(
  dy: usize,
  grid: usize,
  dx: usize,
  table: usize,
  batch: i32,
  channels: i32,
  points: i32,
  r: i32,
  d: i32,
  h: i32,
  w: i32,
  m: i32,
  pad: i32,
  a: i32,
): void {
  setGeometry(r, d, h, w, m, pad, a);
  const plane = (<usize>(d * h * w)) << 2;
  const step = (<usize>allTaps()) << 4;
  memory.fill(dx, 0, <usize>(batch * channels) * plane);
  for (let n = 0; n < batch; n++)
    for (let first = 0; first < points; first += blockPoints) {
      const own = min(blockPoints, points - first);
      fillSamples(table, grid + ((<usize>((n * points + first) * rank)) << 2), own, false);
      for (let c = n * channels; c < (n + 1) * channels; c++) {
        const base = dx + <usize>c * plane;
        let at = table + tableStart;
        let i = dy + ((<usize>(c * points + first)) << 2);
        for (let p = 0; p < own; p++, i += 4) {
          const g = <f64>load<f32>(i);
          for (const end = at + step; at < end; at += 16) {
            const element = load<f64>(at);
            if (element < 0 || g == 0) continue;
            const o = base + ((<usize>element) << 2);
            store<f32>(o, <f32>(<f64>load<f32>(o) + load<f64>(at, 8) * g));
          }
        }
      }
    }
}

export function gridSampleGradGrid(
  dy: usize,
  x: usize,
  grid: usize,
  dgrid: usize,
  table: usize,
  batch: i32,
  channels: i32,
  points: i32,
  start: i32,
  count: i32,
  r: i32,
  d: i32,
  h: i32,
  w: i32,
  m: i32,
  pad: i32,
  a: i32,
): void {
  setGeometry(r, d, h, w, m, pad, a);
  const plane = (<usize>(d * h * w)) << 2;
  const entry = (<usize>(1 + rank)) << 3;
  const step = <usize>allTaps() * entry;
  for (let n = 0; n < batch; n++)
    for (let first = start; first < start + count; first += blockPoints) {
      const own = min(blockPoints, start + count - first);
      const at0 = (<usize>((n * points + first) * rank)) << 2;
      fillSamples(table, grid + at0, own, true);
      let at = table + tableStart;
      let o = dgrid + at0;
      for (let p = first; p < first + own; p++, o += (<usize>rank) << 2) {
        let sumX: f64 = 0;
        let sumY: f64 = 0;
        let sumZ: f64 = 0;
        for (const end = at + step; at < end; at += entry) {
          const element = load<f64>(at);
          if (element < 0) continue;
          let i = dy + ((<usize>(n * channels * points + p)) << 2);
          let j = x + <usize>(n * channels) * plane + ((<usize>element) << 2);
          let product: f64 = 0;
          let isRead = false;
          for (let c = 0; c < channels; c++, i += (<usize>points) << 2, j += plane) {
            const g = load<f32>(i);
            if (g == 0) continue;
            product += <f64>g * <f64>load<f32>(j);
            isRead = true;
          }
          if (!isRead) continue;
          sumX += load<f64>(at, 8) * product;
          if (rank > 1) sumY += load<f64>(at, 16) * product;
          if (rank > 2) sumZ += load<f64>(at, 24) * product;
        }
        store<f32>(o, <f32>sumX);
        if (rank > 1) store<f32>(o, <f32>sumY, 4);
        if (rank > 2) store<f32>(o, <f32>sumZ, 8);
      }
    }
}
