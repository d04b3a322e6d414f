/**
 * A grid of positions laid over the images of a batch, walked as one long row, four positions at a time.
 *
 * A position (n, d, h, w) of the grid starts at source coordinates (d, h, w) * step + start; a tap shifts all positions
 * by the same amount. So the address of a tap is the position's base plus a constant, and whether it lies inside the
 * image is a compare of each coordinate.
 */

/** Extents of the grid. */
let gridD: i32 = 0;
let gridH: i32 = 0;
let gridW: i32 = 0;
let stepD: i32 = 0;
let stepH: i32 = 0;
let stepW: i32 = 0;
let startD: i32 = 0;
let startH: i32 = 0;
let startW: i32 = 0;
/** Extents of the source, in elements; `sourceImage` is the distance of two images. */
export let sourceD: i32 = 0;
export let sourceH: i32 = 0;
export let sourceW: i32 = 0;
let sourceImage: i32 = 0;

/** Next position. */
let atN: i32 = 0;
let atD: i32 = 0;
let atH: i32 = 0;
let atW: i32 = 0;

/** The four positions taken last: element offset in the source, and coordinates there. */
export let quadBase: v128 = i32x4.splat(0);
export let quadD: v128 = i32x4.splat(0);
export let quadH: v128 = i32x4.splat(0);
export let quadW: v128 = i32x4.splat(0);

/** Coordinate of a position that does not exist: outside under every shift. */
const outside: i32 = -0x40000000;

export function setGrid(d: i32, h: i32, w: i32): void {
  gridD = d;
  gridH = h;
  gridW = w;
}

export function setSteps(d: i32, h: i32, w: i32): void {
  stepD = d;
  stepH = h;
  stepW = w;
}

export function setStarts(d: i32, h: i32, w: i32): void {
  startD = d;
  startH = h;
  startW = w;
}

export function setSource(d: i32, h: i32, w: i32, image: i32): void {
  sourceD = d;
  sourceH = h;
  sourceW = w;
  sourceImage = image;
}

/** Moves to position `index` of the batch. */
export function seek(index: i32): void {
  atW = index % gridW;
  index /= gridW;
  atH = index % gridH;
  index /= gridH;
  atD = index % gridD;
  atN = index / gridD;
}

/** Whether the next four positions lie in one row of the grid. */
export function inOneRow(): bool {
  return atW + 4 <= gridW;
}

function advance(): void {
  if (++atW == gridW) {
    atW = 0;
    if (++atH == gridH) {
      atH = 0;
      if (++atD == gridD) {
        atD = 0;
        atN++;
      }
    }
  }
}

/** Takes the next four positions, of which the first `count` exist. */
export function takeQuad(count: i32): void {
  let d = atD * stepD + startD;
  let h = atH * stepH + startH;
  let w = atW * stepW + startW;
  if (atW + 4 <= gridW && count >= 4) {
    quadD = i32x4.splat(d);
    quadH = i32x4.splat(h);
    const along = i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(stepW));
    quadW = i32x4.add(i32x4.splat(w), along);
    quadBase = i32x4.add(i32x4.splat(atN * sourceImage + (d * sourceH + h) * sourceW + w), along);
    atW += 3;
    advance();
    return;
  }
  quadD = i32x4.splat(outside);
  quadH = quadD;
  quadW = quadD;
  quadBase = i32x4.splat(0);
  for (let lane = 0; lane < 4; lane++) {
    if (lane >= count) return;
    d = atD * stepD + startD;
    h = atH * stepH + startH;
    w = atW * stepW + startW;
    const base = atN * sourceImage + (d * sourceH + h) * sourceW + w;
    if (lane == 0) {
      quadD = i32x4.replace_lane(quadD, 0, d);
      quadH = i32x4.replace_lane(quadH, 0, h);
      quadW = i32x4.replace_lane(quadW, 0, w);
      quadBase = i32x4.replace_lane(quadBase, 0, base);
    } else if (lane == 1) {
      quadD = i32x4.replace_lane(quadD, 1, d);
      quadH = i32x4.replace_lane(quadH, 1, h);
      quadW = i32x4.replace_lane(quadW, 1, w);
      quadBase = i32x4.replace_lane(quadBase, 1, base);
    } else if (lane == 2) {
      quadD = i32x4.replace_lane(quadD, 2, d);
      quadH = i32x4.replace_lane(quadH, 2, h);
      quadW = i32x4.replace_lane(quadW, 2, w);
      quadBase = i32x4.replace_lane(quadBase, 2, base);
    } else {
      quadD = i32x4.replace_lane(quadD, 3, d);
      quadH = i32x4.replace_lane(quadH, 3, h);
      quadW = i32x4.replace_lane(quadW, 3, w);
      quadBase = i32x4.replace_lane(quadBase, 3, base);
    }
    advance();
  }
}

/** All ones in the lanes whose shifted position lies inside the source. */
// @ts-ignore: decorator
@inline
export function insideMask(d: v128, h: v128, w: v128, shiftD: i32, shiftH: i32, shiftW: i32): v128 {
  return v128.and(
    v128.and(
      i32x4.lt_u(i32x4.add(w, i32x4.splat(shiftW)), i32x4.splat(sourceW)),
      i32x4.lt_u(i32x4.add(h, i32x4.splat(shiftH)), i32x4.splat(sourceH)),
    ),
    i32x4.lt_u(i32x4.add(d, i32x4.splat(shiftD)), i32x4.splat(sourceD)),
  );
}

/** Whether four offsets follow one another. */
// @ts-ignore: decorator
@inline
export function consecutive(offsets: v128): bool {
  return i32x4.all_true(i32x4.eq(offsets, i32x4.add(i32x4.splat(i32x4.extract_lane(offsets, 0)), i32x4(0, 1, 2, 3))));
}
