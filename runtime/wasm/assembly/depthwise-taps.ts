/**
 * What depthwise kernels read at strides 1 and 2: under one tap, the elements of four neighbouring positions of a row.
 *
 * Rows are walked a vector at a time; the last ends with the row and overlaps the one before. Only the first and the
 * last reach over the edges, where they read neighbours, which are masked, and nothing outside of the tensor: rows at
 * its ends and geometries of wide pads are walked carefully, element by element at the edges.
 */

/** Extents of a plane that is read and of one that is written, and pads before; kernels say which is which. */
export let H: i32 = 0;
export let W: i32 = 0;
export let oH: i32 = 0;
export let oW: i32 = 0;
export let pH: i32 = 0;
export let pW: i32 = 0;

/** Extents and dilations of the filter. */
export let kH: i32 = 0;
export let kW: i32 = 0;
export let dH: i32 = 0;
export let dW: i32 = 0;

/** The bytes of the tensor that is read. */
let begin: usize = 0;
let end: usize = 0;

/** Fewest columns that a row read or written may have: a vector. */
export const leastWidth: i32 = 4;

export function setPlanes(h: i32, w: i32, resultH: i32, resultW: i32, padH: i32, padW: i32): void {
  H = h;
  W = w;
  oH = resultH;
  oW = resultW;
  pH = padH;
  pW = padW;
}

export function setFilter(tapsH: i32, tapsW: i32, dilationH: i32, dilationW: i32): void {
  kH = tapsH;
  kW = tapsW;
  dH = dilationH;
  dW = dilationW;
}

/** Filters of 3x3, not dilated, have walks of their own. */
// @ts-ignore: decorator
@inline
export function isNine(): bool {
  return kH == 3 && kW == 3 && dH == 1 && dW == 1;
}

export function setSource(from: usize, to: usize): void {
  begin = from;
  end = to;
}

/** Elements 0, 2, 4, 6 of eight. */
// @ts-ignore: decorator
@inline
export function evens(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(a, b, 0, 2, 4, 6);
}

// @ts-ignore: decorator
@inline
export function odds(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(a, b, 1, 3, 5, 7);
}

/** The elements under a tap; `p` is that of position 0. */
// @ts-ignore: decorator
@inline
export function loadTap(stride: i32, p: usize): v128 {
  return stride == 1 ? v128.load(p) : evens(v128.load(p), v128.load(p, 16));
}

/** Those under the tap after the one at p. */
// @ts-ignore: decorator
@inline
export function loadSecondTap(stride: i32, p: usize): v128 {
  return stride == 1 ? v128.load(p, 4) : odds(v128.load(p), v128.load(p, 16));
}

/** All ones where the element under a tap exists; position 0 is at column `at`. */
// @ts-ignore: decorator
@inline
export function tapMask(stride: i32, at: i32): v128 {
  const columns = stride == 1 ? i32x4(0, 1, 2, 3) : i32x4(0, 2, 4, 6);
  return i32x4.lt_u(i32x4.add(i32x4.splat(at), columns), i32x4.splat(W));
}

/** Four neighbours of the row at `row` from column `at` on, zeros where there are none. */
function loadCarefully(row: usize, at: i32): v128 {
  const zero = i32x4.splat(0);
  if (at < 0) {
    const x = v128.load(row);
    if (at == -1) return v128.shuffle<f32>(zero, x, 3, 4, 5, 6);
    if (at == -2) return v128.shuffle<f32>(zero, x, 2, 3, 4, 5);
    return at == -3 ? v128.shuffle<f32>(zero, x, 1, 2, 3, 4) : zero;
  }
  const over = at + 4 - W;
  if (over <= 0) return v128.load(row + ((<usize>at) << 2));
  const x = v128.load(row + ((<usize>(W - 4)) << 2));
  if (over == 1) return v128.shuffle<f32>(x, zero, 1, 2, 3, 4);
  if (over == 2) return v128.shuffle<f32>(x, zero, 2, 3, 4, 5);
  return over == 3 ? v128.shuffle<f32>(x, zero, 3, 4, 5, 6) : zero;
}

/** The elements under a tap, reading nothing outside of the row. */
export function loadTapCarefully(stride: i32, row: usize, at: i32): v128 {
  const x = loadCarefully(row, at);
  return stride == 1 ? x : evens(x, loadCarefully(row, at + 4));
}

/** Masks of three taps in the first and in the last vector of a row. */
export let first0: v128 = i32x4.splat(0);
export let first1: v128 = i32x4.splat(0);
export let first2: v128 = i32x4.splat(0);
export let last0: v128 = i32x4.splat(0);
export let last1: v128 = i32x4.splat(0);
export let last2: v128 = i32x4.splat(0);

/**
 * Sets them, for taps at columns 0, `a` and `b`; the last vector keeps those of `lanes`. Loops take them from here,
 * because engines would compute them anew in every row.
 */
export function setMasks(stride: i32, a: i32, b: i32, lanes: v128): void {
  const first = -pW;
  first0 = tapMask(stride, first);
  first1 = tapMask(stride, first + a);
  first2 = tapMask(stride, first + b);
  const last = (oW - 4) * stride - pW;
  last0 = v128.and(lanes, tapMask(stride, last));
  last1 = v128.and(lanes, tapMask(stride, last + a));
  last2 = v128.and(lanes, tapMask(stride, last + b));
}

/** All ones in the positions of the last vector of a row that the one before does not hold. */
export function freshLanes(): v128 {
  return i32x4.gt_s(i32x4(0, 1, 2, 3), i32x4.splat(2 - ((oW - 1) & 3)));
}

/** Rows of the result from `plainBegin` up to `plainEnd`, which is not among them, need no care. */
export let plainBegin: i32 = 0;
export let plainEnd: i32 = 0;

/** Reach of the filter from its first tap, down and to the right. */
let reachH: i32 = 0;
let reachW: i32 = 0;
/** Elements that a plane without rows that need care has before it, and from its first on. */
let before: i32 = 0;
let after: i32 = 0;
/** Columns from the first of a plane to the end of the last vector of a row, and whether no other needs care. */
let rowEnd: i32 = 0;
let isNear: bool = false;

export function setReach(stride: i32, down: i32, right: i32): void {
  reachH = down;
  reachW = right;
  const vectors = (oW + 3) >> 2;
  // Vectors between the first and the last must lie inside of the row.
  isNear = vectors <= 2 || (4 * stride >= pW && 4 * (vectors - 2) * stride - pW + right + 3 * stride < W);
  rowEnd = (oW - 4) * stride - pW + right + 4 * stride;
  before = firstElement(stride, 0);
  after = endElement(stride, oH - 1);
}

/** Elements from the first of the plane to the first that a row of the result reads; and to the end of the last. */
// @ts-ignore: decorator
@inline
function firstElement(stride: i32, row: i32): i32 {
  return max(0, row * stride - pH) * W - pW;
}

// @ts-ignore: decorator
@inline
function endElement(stride: i32, row: i32): i32 {
  return min(H - 1, row * stride - pH + reachH) * W + rowEnd;
}

/** Finds them for a plane of the tensor. */
export function findPlainRows(stride: i32, plane: usize): void {
  const ahead = <i32>min((plane - begin) >> 2, <usize>0x3fffffff);
  const room = <i32>min((end - plane) >> 2, <usize>0x3fffffff);
  plainBegin = 0;
  plainEnd = isNear ? oH : 0;
  if (!isNear || (before >= -ahead && after <= room)) return;
  while (plainBegin < oH && firstElement(stride, plainBegin) < -ahead) plainBegin++;
  while (plainEnd > plainBegin && endElement(stride, plainEnd - 1) > room) plainEnd--;
}
