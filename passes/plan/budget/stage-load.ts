/**
 * Bytes above the limit at each stage, for ranges of stages that rise and fall together: stages in blocks, with an addend
 * and a maximum a block, so that a long range costs about the square root of the number of stages.
 */

export interface StageLoad {
  /** Bytes above the limit at a stage (negative below it). */
  at(stage: number): number;
  /** Adds to the stages `from` to `to`, both included. */
  shift(from: number, to: number, delta: number): void;
  /** Sum over blocks of stages of what the fullest stage is above its limit; 0 iff nothing is above. */
  overshoot(): number;
  /** The first stage among the fullest. */
  worst(): number;
  /** Replaces everything. */
  assign(values: (stage: number) => number): void;
}

export function createStageLoad(stages: number): StageLoad {
  const bits = Math.max(2, Math.round(Math.log2(Math.sqrt(stages + 1))));
  const size = 1 << bits;
  const blocks = (stages >> bits) + 1;
  const own = new Float64Array(blocks * size).fill(Number.NEGATIVE_INFINITY);
  const addend = new Float64Array(blocks);
  const top = new Float64Array(blocks).fill(Number.NEGATIVE_INFINITY);
  let overshoot = 0;

  const refresh = (block: number): void => {
    let most = Number.NEGATIVE_INFINITY;
    const end = (block + 1) << bits;
    for (let t = block << bits; t < end; t++) if (own[t]! > most) most = own[t]!;
    top[block] = most;
  };
  /** Part of a block. */
  const shiftWithin = (block: number, from: number, to: number, delta: number): void => {
    const before = top[block]! + addend[block]!;
    let most = Number.NEGATIVE_INFINITY;
    for (let t = from; t <= to; t++) {
      const value = own[t]! + delta;
      own[t] = value;
      if (value > most) most = value;
    }
    // What fell may have been the fullest.
    if (delta > 0) top[block] = Math.max(top[block]!, most);
    else refresh(block);
    const after = top[block]! + addend[block]!;
    if (after > 0) overshoot += after;
    if (before > 0) overshoot -= before;
  };

  return {
    at: (t) => own[t]! + addend[t >> bits]!,
    shift(from, to, delta) {
      const first = from >> bits;
      const last = to >> bits;
      if (first === last) {
        shiftWithin(first, from, to, delta);
        return;
      }
      shiftWithin(first, from, ((first + 1) << bits) - 1, delta);
      for (let b = first + 1; b < last; b++) {
        const before = top[b]! + addend[b]!;
        addend[b] = addend[b]! + delta;
        const after = before + delta;
        if (after > 0) overshoot += after;
        if (before > 0) overshoot -= before;
      }
      shiftWithin(last, last << bits, to, delta);
    },
    overshoot: () => overshoot,
    worst() {
      let block = 0;
      for (let b = 1; b < blocks; b++) if (top[b]! + addend[b]! > top[block]! + addend[block]!) block = b;
      const start = block << bits;
      for (let t = start; t < start + size; t++) if (own[t] === top[block]) return t;
      return start;
    },
    assign(values) {
      addend.fill(0);
      overshoot = 0;
      for (let t = 0; t < stages; t++) own[t] = values(t);
      for (let b = 0; b < blocks; b++) {
        refresh(b);
        if (top[b]! > 0) overshoot += top[b]!;
      }
    },
  };
}
