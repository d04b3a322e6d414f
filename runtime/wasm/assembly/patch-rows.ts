/**
 * Packing for the gradient of a filter: the products run over positions, so patches are packed transposed, four
 * positions of four columns (channel, tap) at a time.
 */
import { packRows, storeTransposed } from './gemm';
import {
  consecutive,
  inOneRow,
  insideMask,
  quadBase,
  quadD,
  quadH,
  quadW,
  seek,
  sourceD,
  sourceH,
  sourceW,
  takeQuad,
} from './grid';

/** Columns that are packed in one walk over the positions. */
const columnRun: i32 = 32;

/** The filter: extents, dilations, and the bytes of the source tensor. */
let kD: i32 = 1;
let kH: i32 = 1;
let kW: i32 = 1;
let dD: i32 = 1;
let dH: i32 = 1;
let dW: i32 = 1;
let begin: usize = 0;
let end: usize = 0;
/** Bytes from a column to the next: within a filter row, and over the end of a row, of a slice, of a channel. */
let alongRow: usize = 0;
let alongSlice: usize = 0;
let alongDepth: usize = 0;
let alongChannel: usize = 0;

export function setFilter(d: i32, h: i32, w: i32, dilationD: i32, dilationH: i32, dilationW: i32): void {
  kD = d;
  kH = h;
  kW = w;
  dD = dilationD;
  dH = dilationH;
  dW = dilationW;
}

/** Sets the range of the source and the distances between columns; the grid's source must be set before. */
export function setColumns(rangeBegin: usize, rangeEnd: usize, channelBytes: usize): void {
  begin = rangeBegin;
  end = rangeEnd;
  const row = (<usize>((kW - 1) * dW)) << 2;
  const slice = row + ((<usize>((kH - 1) * dH * sourceW)) << 2);
  const volume = slice + ((<usize>((kD - 1) * dD * sourceH * sourceW)) << 2);
  alongRow = (<usize>dW) << 2;
  alongSlice = ((<usize>(dH * sourceW)) << 2) - row;
  alongDepth = ((<usize>(dD * sourceH * sourceW)) << 2) - slice;
  alongChannel = channelBytes - volume;
  if (kD * kH * kW == 1) {
    // Channels are then the columns of one endless filter row that does not move.
    alongRow = channelBytes;
    kW = i32.MAX_VALUE;
    dW = 0;
  }
}

/** The filter row of the column at hand. */
let tapD: i32 = 0;
let tapH: i32 = 0;

/** From a column beyond the end of a filter row, at `p`, to the first of the next row. */
function nextFilterRow(p: usize): usize {
  p += alongSlice - alongRow;
  if (++tapH < kH) return p;
  tapH = 0;
  p += alongDepth - alongSlice;
  if (++tapD < kD) return p;
  tapD = 0;
  return p + alongChannel - alongDepth;
}

/** How the four positions lie: every tap inside the image, or all in one row of it, or anywhere. */
const interior: i32 = 0;
const oneRow: i32 = 1;
const anywhere: i32 = 2;

function gather(p: usize, offsets: v128): v128 {
  let x = v128.load32_zero(p + ((<usize>i32x4.extract_lane(offsets, 0)) << 2));
  x = v128.load_lane<f32>(p + ((<usize>i32x4.extract_lane(offsets, 1)) << 2), x, 1);
  x = v128.load_lane<f32>(p + ((<usize>i32x4.extract_lane(offsets, 2)) << 2), x, 2);
  return v128.load_lane<f32>(p + ((<usize>i32x4.extract_lane(offsets, 3)) << 2), x, 3);
}

/** As `gather`, zero outside the mask: those lanes read an element that a lane inside reads. */
function gatherInside(p: usize, offsets: v128, mask: v128): v128 {
  if (!v128.any_true(mask)) return mask;
  const inside = v128.bitselect(offsets, i32x4.splat(0x7fffffff), mask);
  const low = min(
    min(i32x4.extract_lane(inside, 0), i32x4.extract_lane(inside, 1)),
    min(i32x4.extract_lane(inside, 2), i32x4.extract_lane(inside, 3)),
  );
  return v128.and(mask, gather(p, v128.bitselect(offsets, i32x4.splat(low), mask)));
}

/**
 * The elements of a column under four positions; `at` is its element under a position at the origin, `tapW` its place
 * in the filter row. `offsets` are the positions' elements, `origin` the bytes of the first; `step` is their distance
 * if they are evenly spread, else 0.
 */
// @ts-ignore: decorator
@inline
function takeColumn(
  kind: i32,
  step: i32,
  at: usize,
  tapW: i32,
  origin: usize,
  offsets: v128,
  d: v128,
  h: v128,
  w: v128,
  d0: i32,
  h0: i32,
): v128 {
  const p = at + origin;
  if (kind == interior) {
    if (step == 1) return v128.load(p);
    if (step == 2 && p + 32 <= end) return v128.shuffle<f32>(v128.load(p), v128.load(p, 16), 0, 2, 4, 6);
    return gather(at, offsets);
  }
  let mask: v128;
  if (kind == oneRow) {
    if (<u32>(d0 + tapD * dD) >= <u32>sourceD || <u32>(h0 + tapH * dH) >= <u32>sourceH) return i32x4.splat(0);
    mask = i32x4.lt_u(i32x4.add(w, i32x4.splat(tapW * dW)), i32x4.splat(sourceW));
  } else mask = insideMask(d, h, w, tapD * dD, tapH * dH, tapW * dW);
  if (step == 1 && p >= begin && p < end && p + 16 <= end) return v128.and(mask, v128.load(p));
  return gatherInside(at, offsets, mask);
}

// @ts-ignore: decorator
@inline
function storePositions(to: usize, lanes: i32, x0: v128, x1: v128, x2: v128, x3: v128): void {
  if (lanes >= 4) storeTransposed(to, 32, x0, x1, x2, x3);
  else storeFewPositions(to, lanes, x0, x1, x2, x3);
}

function storeFewPositions(to: usize, lanes: i32, x0: v128, x1: v128, x2: v128, x3: v128): void {
  const t0 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
  const t2 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
  v128.store(to, v128.shuffle<f32>(t0, t2, 0, 1, 4, 5));
  if (lanes > 1) v128.store(to + 32, v128.shuffle<f32>(t0, t2, 2, 3, 6, 7));
  if (lanes > 2) {
    const t1 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
    const t3 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
    v128.store(to + 64, v128.shuffle<f32>(t1, t3, 0, 1, 4, 5));
  }
}

/** Packs `run` columns under four positions, of which `lanes` exist; panels are `panelBytes` apart. */
// @ts-ignore: decorator
@inline
function packQuad(
  kind: i32,
  step: i32,
  panel: usize,
  panelBytes: usize,
  run: i32,
  lanes: i32,
  at: usize,
  tapW: i32,
): void {
  const offsets = quadBase;
  const d = quadD;
  const h = quadH;
  const w = quadW;
  const d0 = i32x4.extract_lane(d, 0);
  const h0 = i32x4.extract_lane(h, 0);
  const origin = (<usize>i32x4.extract_lane(offsets, 0)) << 2;
  const rowEnd = kW;
  const along = alongRow;
  const zero = f32x4.splat(0);
  for (let c = 0; c < run; c += 4) {
    let x1 = zero;
    let x2 = zero;
    let x3 = zero;
    const x0 = takeColumn(kind, step, at, tapW, origin, offsets, d, h, w, d0, h0);
    at += along;
    if (++tapW == rowEnd) {
      tapW = 0;
      at = nextFilterRow(at);
    }
    if (c + 1 < run) {
      x1 = takeColumn(kind, step, at, tapW, origin, offsets, d, h, w, d0, h0);
      at += along;
      if (++tapW == rowEnd) {
        tapW = 0;
        at = nextFilterRow(at);
      }
    }
    if (c + 2 < run) {
      x2 = takeColumn(kind, step, at, tapW, origin, offsets, d, h, w, d0, h0);
      at += along;
      if (++tapW == rowEnd) {
        tapW = 0;
        at = nextFilterRow(at);
      }
    }
    if (c + 3 < run) {
      x3 = takeColumn(kind, step, at, tapW, origin, offsets, d, h, w, d0, h0);
      at += along;
      if (++tapW == rowEnd) {
        tapW = 0;
        at = nextFilterRow(at);
      }
    }
    storePositions(panel, lanes, x0, x1, x2, x3);
    if (c & 4) panel += panelBytes - 16;
    else {
      panel += 16;
      if (c + 4 >= run) storePositions(panel, lanes, zero, zero, zero, zero);
    }
  }
}

/**
 * Packs columns tap0 .. tap0 + count at positions first .. first + depth of the batch into panels of 8 columns. `image`
 * is the first channel of the group in the first image.
 */
export function packPatchRows(
  to: usize,
  image: usize,
  channelBytes: usize,
  tap0: i32,
  count: i32,
  first: i32,
  depth: i32,
): void {
  const panelBytes = (<usize>depth) << 5;
  for (let c0 = 0; c0 < count; c0 += columnRun, to += (<usize>depth * columnRun) << 2) {
    let rest = tap0 + c0;
    const startW = rest % kW;
    rest /= kW;
    const startH = rest % kH;
    rest /= kH;
    const startD = rest % kD;
    const startAt =
      image +
      <usize>(rest / kD) * channelBytes +
      ((<usize>((startD * dD * sourceH + startH * dH) * sourceW)) << 2) +
      <usize>startW * alongRow;
    const run = min(columnRun, count - c0);
    seek(first);
    for (let p = 0; p < depth; p += 4) {
      const lanes = depth - p;
      const inRow = inOneRow() && lanes >= 4;
      takeQuad(lanes);
      tapD = startD;
      tapH = startH;
      const panel = to + ((<usize>p) << 5);
      const extremes = v128.and(
        insideMask(quadD, quadH, quadW, 0, 0, 0),
        insideMask(quadD, quadH, quadW, (kD - 1) * dD, (kH - 1) * dH, (kW - 1) * dW),
      );
      const inside = i32x4.all_true(extremes);
      if (consecutive(quadBase)) {
        if (inside) packQuad(interior, 1, panel, panelBytes, run, lanes, startAt, startW);
        else if (inRow) packQuad(oneRow, 1, panel, panelBytes, run, lanes, startAt, startW);
        else packQuad(anywhere, 1, panel, panelBytes, run, lanes, startAt, startW);
      } else if (inside && inRow && evenlySpread(quadBase, 2))
        packQuad(interior, 2, panel, panelBytes, run, lanes, startAt, startW);
      else packQuad(anywhere, 0, panel, panelBytes, run, lanes, startAt, startW);
    }
  }
}

function evenlySpread(offsets: v128, step: i32): bool {
  const along = i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(step));
  return i32x4.all_true(i32x4.eq(offsets, i32x4.add(i32x4.splat(i32x4.extract_lane(offsets, 0)), along)));
}

/** Packs `count` channels at positions first .. first + depth of the batch into panels of 4 rows. */
export function packPositions(
  to: usize,
  from: usize,
  count: i32,
  first: i32,
  depth: i32,
  size: i32,
  imageBytes: usize,
): void {
  const across = (<usize>size) << 2;
  for (let r = 0; r < count; r += 4, from += 4 * across) {
    let n = first / size;
    let start = first - n * size;
    for (let p = 0; p < depth; ) {
      const run = min(depth - p, size - start);
      packRows(to, from + <usize>n * imageBytes + ((<usize>start) << 2), min(4, count - r), run, across, 4);
      to += (<usize>run) << 4;
      p += run;
      start = 0;
      n++;
    }
  }
}
