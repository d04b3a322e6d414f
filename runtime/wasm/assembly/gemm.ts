/**
 * The blocked matrix product under matmul and the convolutions (Goto and van de Geijn 2008), on packed panels as in
 * runtime/kernels/gemm.ts: left panels of 4 rows, right panels of 8 columns, both padded with zeros. A 4x8 block of the
 * product lives in eight 128-bit registers; 16 registers leave room for two of the right panel and one broadcast.
 */

/** Terms summed in registers before they reach memory; both panels of a block then stay in the first-level cache. */
export const depthBlock: i32 = 256;
/** Rows whose panels stay in the second-level cache. */
export const rowBlock: i32 = 96;
export const columnBlock: i32 = 1024;

/** The offset of an operand that is not there. */
export const absent: usize = usize.MAX_VALUE;

// @ts-ignore: decorator
@inline
export function roundUp(value: i32, multiple: i32): i32 {
  return ((value + multiple - 1) / multiple) * multiple;
}

/** Bytes of the right panels, which lie first in the scratch. */
export function packedColumnsBytes(columns: i32, inner: i32): usize {
  return (<usize>roundUp(min(columns, columnBlock), 8) * <usize>min(inner, depthBlock)) << 2;
}

/**
 * First of the columns that part `part` of `parts` computes, and the end of the part before: whole panels. Threads share a
 * product like this; an element does not depend on the place of its column in a panel or a tile.
 */
export function partStart(columns: i32, part: i32, parts: i32): i32 {
  return part == parts ? columns : (((columns / 8) * part) / parts) * 8;
}

/**
 * x * y + sum. Rounded once instead of twice in the build for fast math, if the machine likes: the results are not those of
 * every machine then.
 */
// @ts-ignore: decorator
@inline
export function multiplyAdd(x: v128, y: v128, sum: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(x, y, sum);
  return f32x4.add(sum, f32x4.mul(x, y));
}

// @ts-ignore: decorator
@inline
function storeRow(c: usize, lanes: i32, accumulate: bool, low: v128, high: v128): void {
  if (lanes >= 8) {
    if (accumulate) {
      v128.store(c, f32x4.add(v128.load(c), low));
      v128.store(c, f32x4.add(v128.load(c, 16), high), 16);
    } else {
      v128.store(c, low);
      v128.store(c, high, 16);
    }
  } else storeLanes(c, lanes, accumulate, low, high);
}

function storeLanes(c: usize, lanes: i32, accumulate: bool, low: v128, high: v128): void {
  let rest = low;
  if (lanes >= 4) {
    v128.store(c, accumulate ? f32x4.add(v128.load(c), low) : low);
    c += 16;
    lanes -= 4;
    rest = high;
  }
  if (lanes > 0) {
    const x = f32x4.extract_lane(rest, 0);
    store<f32>(c, accumulate ? load<f32>(c) + x : x);
  }
  if (lanes > 1) {
    const x = f32x4.extract_lane(rest, 1);
    store<f32>(c, accumulate ? load<f32>(c, 4) + x : x, 4);
  }
  if (lanes > 2) {
    const x = f32x4.extract_lane(rest, 2);
    store<f32>(c, accumulate ? load<f32>(c, 8) + x : x, 8);
  }
}

/** The product of one left and one right panel, for blocks that are not stored in one piece. */
export let block00: v128 = f32x4.splat(0);
export let block01: v128 = f32x4.splat(0);
export let block10: v128 = f32x4.splat(0);
export let block11: v128 = f32x4.splat(0);
export let block20: v128 = f32x4.splat(0);
export let block21: v128 = f32x4.splat(0);
export let block30: v128 = f32x4.splat(0);
export let block31: v128 = f32x4.splat(0);

/**
 * c [rows <= 4, lanes <= 8] (= or +=) left panel times right panel; left in `block..` where c is absent. `a` and `b`
 * are packed panels of `depth` terms, `stride` is the bytes between rows of c. Two terms a round share the engine's
 * overhead of a loop; the way out between them keeps V8 from moving the loads of both to the front, which would spill.
 */
export function multiplyBlock(
  a: usize,
  b: usize,
  depth: i32,
  c: usize,
  stride: usize,
  rows: i32,
  lanes: i32,
  accumulate: bool,
): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  const end = b + ((<usize>depth) << 5);
  let b0: v128;
  let b1: v128;
  let x: v128;
  while (b < end) {
    b0 = v128.load(b);
    b1 = v128.load(b, 16);
    x = v128.load_splat<f32>(a);
    c00 = multiplyAdd(x, b0, c00);
    c01 = multiplyAdd(x, b1, c01);
    x = v128.load_splat<f32>(a, 4);
    c10 = multiplyAdd(x, b0, c10);
    c11 = multiplyAdd(x, b1, c11);
    x = v128.load_splat<f32>(a, 8);
    c20 = multiplyAdd(x, b0, c20);
    c21 = multiplyAdd(x, b1, c21);
    x = v128.load_splat<f32>(a, 12);
    c30 = multiplyAdd(x, b0, c30);
    c31 = multiplyAdd(x, b1, c31);
    if (b + 32 >= end) break;
    b0 = v128.load(b, 32);
    b1 = v128.load(b, 48);
    x = v128.load_splat<f32>(a, 16);
    c00 = multiplyAdd(x, b0, c00);
    c01 = multiplyAdd(x, b1, c01);
    x = v128.load_splat<f32>(a, 20);
    c10 = multiplyAdd(x, b0, c10);
    c11 = multiplyAdd(x, b1, c11);
    x = v128.load_splat<f32>(a, 24);
    c20 = multiplyAdd(x, b0, c20);
    c21 = multiplyAdd(x, b1, c21);
    x = v128.load_splat<f32>(a, 28);
    c30 = multiplyAdd(x, b0, c30);
    c31 = multiplyAdd(x, b1, c31);
    a += 32;
    b += 64;
  }
  if (c == absent) {
    block00 = c00;
    block01 = c01;
    block10 = c10;
    block11 = c11;
    block20 = c20;
    block21 = c21;
    block30 = c30;
    block31 = c31;
    return;
  }
  storeRow(c, lanes, accumulate, c00, c01);
  if (rows > 1) storeRow(c + stride, lanes, accumulate, c10, c11);
  if (rows > 2) storeRow(c + 2 * stride, lanes, accumulate, c20, c21);
  if (rows > 3) storeRow(c + 3 * stride, lanes, accumulate, c30, c31);
}

/** 4x4 transposition: rows at p, p+s, p+2s, p+3s become four vectors stored `step` bytes apart at `to`. */
// @ts-ignore: decorator
@inline
export function storeTransposed(to: usize, step: usize, r0: v128, r1: v128, r2: v128, r3: v128): void {
  const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const t1 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const t2 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(t0, t2, 0, 1, 4, 5));
  v128.store(to + step, v128.shuffle<f32>(t0, t2, 2, 3, 6, 7));
  v128.store(to + 2 * step, v128.shuffle<f32>(t1, t3, 0, 1, 4, 5));
  v128.store(to + 3 * step, v128.shuffle<f32>(t1, t3, 2, 3, 6, 7));
}

/**
 * Packs four lanes of a strided matrix: to[p * step + lane] = from[lane * across + p * along] for p < depth and lanes <
 * `lanes`, zero in the other lanes. Strides and `step` are bytes.
 */
function packFour(to: usize, step: usize, from: usize, lanes: i32, depth: i32, across: usize, along: usize): void {
  let p = 0;
  if (lanes >= 4) {
    if (across == 4) {
      for (; p < depth; p++, to += step, from += along) v128.store(to, v128.load(from));
      return;
    }
    const across2 = across * 2;
    const across3 = across * 3;
    if (along == 4) {
      for (; p + 4 <= depth; p += 4, to += 4 * step, from += 16)
        storeTransposed(
          to,
          step,
          v128.load(from),
          v128.load(from + across),
          v128.load(from + across2),
          v128.load(from + across3),
        );
    }
    for (; p < depth; p++, to += step, from += along) {
      store<f32>(to, load<f32>(from));
      store<f32>(to, load<f32>(from + across), 4);
      store<f32>(to, load<f32>(from + across2), 8);
      store<f32>(to, load<f32>(from + across3), 12);
    }
    return;
  }
  for (; p < depth; p++, to += step, from += along) {
    store<f32>(to, lanes > 0 ? load<f32>(from) : 0);
    store<f32>(to, lanes > 1 ? load<f32>(from + across) : 0, 4);
    store<f32>(to, lanes > 2 ? load<f32>(from + across * 2) : 0, 8);
    store<f32>(to, 0, 12);
  }
}

/** Packs `count` rows of a strided matrix into panels of 4. Strides are bytes. */
export function packRows(to: usize, from: usize, count: i32, depth: i32, across: usize, along: usize): void {
  const panel = (<usize>depth) << 4;
  for (let r = 0; r < count; r += 4, to += panel, from += 4 * across)
    packFour(to, 16, from, count - r, depth, across, along);
}

/** Packs `count` columns of a strided matrix into panels of 8. Strides are bytes. */
export function packColumns(to: usize, from: usize, count: i32, depth: i32, across: usize, along: usize): void {
  const panel = (<usize>depth) << 5;
  for (let c = 0; c < count; c += 8, to += panel, from += 8 * across) {
    if (across == 4 && count - c >= 8) {
      let q = to;
      let p = from;
      for (let k = 0; k < depth; k++, q += 32, p += along) {
        v128.store(q, v128.load(p));
        v128.store(q, v128.load(p, 16), 16);
      }
    } else {
      packFour(to, 32, from, count - c, depth, across, along);
      packFour(to + 16, 32, from + 4 * across, count - c - 4, depth, across, along);
    }
  }
}
