/**
 * The product under a convolution and each phase of its input's gradient: filters (rows) times patches (columns), the
 * patches packed tile by tile from a grid of positions. Taps run in arithmetic progressions along each axis: tap j is
 * at filter index first + j * stride and shifts positions by shift0 + j * shift.
 */
import {
  absent,
  block00,
  block01,
  block10,
  block11,
  block20,
  block21,
  block30,
  block31,
  columnBlock,
  depthBlock,
  multiplyBlock,
  packedColumnsBytes,
  packRows,
  rowBlock,
} from './gemm';
import { consecutive, insideMask, quadBase, quadD, quadH, quadW, seek, sourceH, sourceW, takeQuad } from './grid';
import { fillBias } from './matmul';

/** Taps along each axis. */
let tapsD: i32 = 0;
let tapsH: i32 = 0;
let tapsW: i32 = 0;
/** Their shifts in source elements: shift0 + j * shift. */
let shift0D: i32 = 0;
let shift0H: i32 = 0;
let shift0W: i32 = 0;
let shiftD: i32 = 0;
let shiftH: i32 = 0;
let shiftW: i32 = 0;
/** Element offset in the filter of tap (0, 0, 0), and the distances of neighbours along each axis. */
let tap0: i32 = 0;
let tapD: i32 = 0;
let tapH: i32 = 0;
let tapW: i32 = 0;

export function setTaps(d: i32, h: i32, w: i32): void {
  tapsD = d;
  tapsH = h;
  tapsW = w;
}

export function setFirstShifts(d: i32, h: i32, w: i32): void {
  shift0D = d;
  shift0H = h;
  shift0W = w;
}

export function setShifts(d: i32, h: i32, w: i32): void {
  shiftD = d;
  shiftH = h;
  shiftW = w;
}

export function setTapOffsets(first: i32, d: i32, h: i32, w: i32): void {
  tap0 = first;
  tapD = d;
  tapH = h;
  tapW = w;
}

// @ts-ignore: decorator
@inline
function gather(from: usize, i0: i32, i1: i32, i2: i32, i3: i32): v128 {
  let x = v128.load32_zero(from + ((<usize>i0) << 2));
  x = v128.load_lane<f32>(from + ((<usize>i1) << 2), x, 1);
  x = v128.load_lane<f32>(from + ((<usize>i2) << 2), x, 2);
  return v128.load_lane<f32>(from + ((<usize>i3) << 2), x, 3);
}

/**
 * Packs the patches at positions first .. first + count as panels of 8 columns; rows are (channel, tap) pc .. pc +
 * depth. [begin, end) are the bytes of the source tensor, `from` the first channel of the group, `channel` the bytes of
 * one.
 */
function packPatches(
  to: usize,
  from: usize,
  begin: usize,
  end: usize,
  channel: usize,
  first: i32,
  count: i32,
  pc: i32,
  depth: i32,
): void {
  const volume = tapsD * tapsH * tapsW;
  const firstChannel = pc / volume;
  const firstTap = pc - firstChannel * volume;
  const step = (<usize>volume) << 5;
  seek(first);
  for (let c = 0; c < count; c += 8, to += (<usize>depth) << 5) {
    takeQuad(count - c);
    const base0 = quadBase;
    const d0 = quadD;
    const h0 = quadH;
    const w0 = quadW;
    takeQuad(count - c - 4);
    const base1 = quadBase;
    const d1 = quadD;
    const h1 = quadH;
    const w1 = quadW;
    const origin = i32x4.extract_lane(base0, 0);
    const inRow = consecutive(base0) && consecutive(base1) && i32x4.extract_lane(base1, 0) == origin + 4;
    let tap = 0;
    for (let jd = 0; jd < tapsD; jd++)
      for (let jh = 0; jh < tapsH; jh++)
        for (let jw = 0; jw < tapsW; jw++, tap++) {
          const late = tap < firstTap ? 1 : 0;
          let row = (late ? volume : 0) + tap - firstTap;
          if (row >= depth) continue;
          const sd = shift0D + jd * shiftD;
          const sh = shift0H + jh * shiftH;
          const sw = shift0W + jw * shiftW;
          const mask0 = insideMask(d0, h0, w0, sd, sh, sw);
          const mask1 = insideMask(d1, h1, w1, sd, sh, sw);
          let q = to + ((<usize>row) << 5);
          if (!v128.any_true(v128.or(mask0, mask1))) {
            for (; row < depth; row += volume, q += step) {
              v128.store(q, i32x4.splat(0));
              v128.store(q, i32x4.splat(0), 16);
            }
            continue;
          }
          const shift = (sd * sourceH + sh) * sourceW + sw;
          let p = from + <usize>(firstChannel + late) * channel;
          if (inRow) {
            p += (<usize>(origin + shift)) << 2;
            const last = p + <usize>((depth - 1 - row) / volume) * channel;
            if (p >= begin && p <= last && last < end && last + 32 <= end) {
              if (i32x4.all_true(v128.and(mask0, mask1)))
                for (; row < depth; row += volume, q += step, p += channel) {
                  v128.store(q, v128.load(p));
                  v128.store(q, v128.load(p, 16), 16);
                }
              else
                for (; row < depth; row += volume, q += step, p += channel) {
                  v128.store(q, v128.and(mask0, v128.load(p)));
                  v128.store(q, v128.and(mask1, v128.load(p, 16)), 16);
                }
              continue;
            }
            p -= (<usize>(origin + shift)) << 2;
          }
          // Lanes outside read the channel's first element, which exists, and are masked.
          const at0 = v128.and(mask0, i32x4.add(base0, i32x4.splat(shift)));
          const at1 = v128.and(mask1, i32x4.add(base1, i32x4.splat(shift)));
          const i0 = i32x4.extract_lane(at0, 0);
          const i1 = i32x4.extract_lane(at0, 1);
          const i2 = i32x4.extract_lane(at0, 2);
          const i3 = i32x4.extract_lane(at0, 3);
          const i4 = i32x4.extract_lane(at1, 0);
          const i5 = i32x4.extract_lane(at1, 1);
          const i6 = i32x4.extract_lane(at1, 2);
          const i7 = i32x4.extract_lane(at1, 3);
          for (; row < depth; row += volume, q += step, p += channel) {
            v128.store(q, v128.and(mask0, gather(p, i0, i1, i2, i3)));
            v128.store(q, v128.and(mask1, gather(p, i4, i5, i6, i7)), 16);
          }
        }
  }
}

/**
 * Packs filters as panels of 4 rows whose weights are `rowStride` elements apart; columns are (channel, tap)
 * pc .. pc + depth, with channels `channelStride` elements apart.
 */
function packFilters(
  to: usize,
  from: usize,
  count: i32,
  pc: i32,
  depth: i32,
  rowStride: i32,
  channelStride: i32,
): void {
  const volume = tapsD * tapsH * tapsW;
  if (channelStride == volume && tap0 == 0 && tapW == 1 && tapH == tapsW && tapD == tapsH * tapsW) {
    packRows(to, from + ((<usize>pc) << 2), count, depth, (<usize>rowStride) << 2, 4);
    return;
  }
  const across = (<usize>rowStride) << 2;
  const panel = (<usize>depth) << 4;
  let channel = pc / volume;
  let rest = pc - channel * volume;
  let jw = rest % tapsW;
  rest /= tapsW;
  let jh = rest % tapsH;
  let jd = rest / tapsH;
  for (let p = 0; p < depth; p++, to += 16) {
    let source = from + ((<usize>(channel * channelStride + tap0 + jd * tapD + jh * tapH + jw * tapW)) << 2);
    let q = to;
    let r = count;
    for (; r >= 4; r -= 4, q += panel, source += 4 * across) {
      store<f32>(q, load<f32>(source));
      store<f32>(q, load<f32>(source + across), 4);
      store<f32>(q, load<f32>(source + 2 * across), 8);
      store<f32>(q, load<f32>(source + 3 * across), 12);
    }
    if (r > 0) {
      store<f32>(q, load<f32>(source));
      store<f32>(q, r > 1 ? load<f32>(source + across) : 0, 4);
      store<f32>(q, r > 2 ? load<f32>(source + 2 * across) : 0, 8);
      store<f32>(q, 0, 12);
    }
    if (++jw == tapsW) {
      jw = 0;
      if (++jh == tapsH) {
        jh = 0;
        if (++jd == tapsD) {
          jd = 0;
          channel++;
        }
      }
    }
  }
}

/** Where the columns of the panel at hand are stored, in bytes from the first row of the result. */
let column0: usize = 0;
let column1: usize = 0;
let column2: usize = 0;
let column3: usize = 0;
let column4: usize = 0;
let column5: usize = 0;
let column6: usize = 0;
let column7: usize = 0;

/** One row of a block whose columns are scattered. */
function scatterRow(c: usize, lanes: i32, accumulate: bool, low: v128, high: v128): void {
  if (accumulate) {
    let x = v128.load32_zero(c + column0);
    if (lanes > 1) x = v128.load_lane<f32>(c + column1, x, 1);
    if (lanes > 2) x = v128.load_lane<f32>(c + column2, x, 2);
    if (lanes > 3) x = v128.load_lane<f32>(c + column3, x, 3);
    low = f32x4.add(x, low);
    if (lanes > 4) {
      x = v128.load32_zero(c + column4);
      if (lanes > 5) x = v128.load_lane<f32>(c + column5, x, 1);
      if (lanes > 6) x = v128.load_lane<f32>(c + column6, x, 2);
      if (lanes > 7) x = v128.load_lane<f32>(c + column7, x, 3);
      high = f32x4.add(x, high);
    }
  }
  v128.store_lane<f32>(c + column0, low, 0);
  if (lanes > 1) v128.store_lane<f32>(c + column1, low, 1);
  if (lanes > 2) v128.store_lane<f32>(c + column2, low, 2);
  if (lanes > 3) v128.store_lane<f32>(c + column3, low, 3);
  if (lanes > 4) v128.store_lane<f32>(c + column4, high, 0);
  if (lanes > 5) v128.store_lane<f32>(c + column5, high, 1);
  if (lanes > 6) v128.store_lane<f32>(c + column6, high, 2);
  if (lanes > 7) v128.store_lane<f32>(c + column7, high, 3);
}

/** Geometry of the result: the grid's position (n, d, h, w) is at (d, h, w) * step + start of image n. */
let resultH: i32 = 0;
let resultW: i32 = 0;
let resultImage: i32 = 0;
let resultStepD: i32 = 0;
let resultStepH: i32 = 0;
let resultStepW: i32 = 0;
let resultStart: i32 = 0;
let resultGridD: i32 = 0;
let resultGridH: i32 = 0;
let resultGridW: i32 = 0;

export function setResult(h: i32, w: i32, image: i32, stepD: i32, stepH: i32, stepW: i32, start: i32): void {
  resultH = h;
  resultW = w;
  resultImage = image;
  resultStepD = stepD;
  resultStepH = stepH;
  resultStepW = stepW;
  resultStart = start;
}

export function setResultGrid(d: i32, h: i32, w: i32): void {
  resultGridD = d;
  resultGridH = h;
  resultGridW = w;
}

/** Sets `column0` ... for the 8 positions from `index`. */
function placeColumns(index: i32): void {
  let w = index % resultGridW;
  let rest = index / resultGridW;
  let h = rest % resultGridH;
  rest /= resultGridH;
  let d = rest % resultGridD;
  let n = rest / resultGridD;
  for (let lane = 0; lane < 8; lane++) {
    const at =
      (<usize>(
        (n * resultImage + (d * resultStepD * resultH + h * resultStepH) * resultW + w * resultStepW + resultStart)
      )) << 2;
    if (lane == 0) column0 = at;
    else if (lane == 1) column1 = at;
    else if (lane == 2) column2 = at;
    else if (lane == 3) column3 = at;
    else if (lane == 4) column4 = at;
    else if (lane == 5) column5 = at;
    else if (lane == 6) column6 = at;
    else column7 = at;
    if (++w == resultGridW) {
      w = 0;
      if (++h == resultGridH) {
        h = 0;
        if (++d == resultGridD) {
          d = 0;
          n++;
        }
      }
    }
  }
}

/**
 * result [rows, positions] (= or +=) filters [rows, channels x taps] times patches, for positions from `first` up to
 * `last`, which is not among them. `rowBytes` is the distance of two rows of the result. The bias, one number a row, is
 * added by the first block.
 */
export function correlate(
  source: usize,
  begin: usize,
  end: usize,
  filters: usize,
  bias: usize,
  result: usize,
  scratch: usize,
  rows: i32,
  first: i32,
  last: i32,
  channels: i32,
  channelBytes: usize,
  rowStride: i32,
  channelStride: i32,
  rowBytes: usize,
): void {
  const inner = channels * tapsD * tapsH * tapsW;
  const left = scratch + packedColumnsBytes(last - first, inner);
  for (let jc = first; jc < last; jc += columnBlock) {
    const nc = min(columnBlock, last - jc);
    for (let pc = 0; pc < inner; pc += depthBlock) {
      const kc = min(depthBlock, inner - pc);
      packPatches(scratch, source, begin, end, channelBytes, jc, nc, pc, kc);
      const accumulate = pc != 0 || bias != absent;
      for (let ic = 0; ic < rows; ic += rowBlock) {
        const mc = min(rowBlock, rows - ic);
        packFilters(left, filters + ((<usize>(ic * rowStride)) << 2), mc, pc, kc, rowStride, channelStride);
        let right = scratch;
        for (let j = 0; j < nc; j += 8, right += (<usize>kc) << 5) {
          const lanes = min(8, nc - j);
          placeColumns(jc + j);
          const whole = lanes == 8 && column7 - column0 == 28;
          let panel = left;
          let block = result + <usize>ic * rowBytes;
          for (let i = 0; i < mc; i += 4, panel += (<usize>kc) << 4, block += 4 * rowBytes) {
            if (whole) {
              const c = block + column0;
              if (pc == 0 && bias != absent)
                fillBias(c, rowBytes, min(4, mc - i), 8, bias + ((<usize>(ic + i)) << 2), 4, 0);
              multiplyBlock(panel, right, kc, c, rowBytes, mc - i, 8, accumulate);
            } else {
              if (pc == 0 && bias != absent)
                for (let r = 0; r < min(4, mc - i); r++) {
                  const b = v128.load_splat<f32>(bias + ((<usize>(ic + i + r)) << 2));
                  scatterRow(block + <usize>r * rowBytes, lanes, false, b, b);
                }
              multiplyBlock(panel, right, kc, absent, 0, 4, 8, false);
              scatterRow(block, lanes, accumulate, block00, block01);
              if (mc - i > 1) scatterRow(block + rowBytes, lanes, accumulate, block10, block11);
              if (mc - i > 2) scatterRow(block + 2 * rowBytes, lanes, accumulate, block20, block21);
              if (mc - i > 3) scatterRow(block + 3 * rowBytes, lanes, accumulate, block30, block31);
            }
          }
        }
      }
    }
  }
}
