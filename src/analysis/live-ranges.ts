/** Ranges of steps over which bytes come or go, and the pieces that they cut a sequence into. */

/** A life, and the bytes that come with it, or go. */
export interface LiveRange {
  /** Of a life, in steps that may be fractions. */
  readonly birth: number;
  readonly last: number;
  /** Whether the last step counts for who takes the storage over. */
  readonly handedOver: boolean;
  readonly by: number;
}

/** Whether the bytes count at a step, which may be a fraction. */
export function covers({ birth, last, handedOver }: LiveRange, step: number): boolean {
  return birth <= step && (step < last || (step === last && !handedOver));
}

export interface Piece {
  readonly from: number;
  readonly to: number;
  readonly by: number;
}

/** The steps that run, in pieces throughout which as many bytes come or go. */
export function pieces(ranges: readonly LiveRange[], removed: ReadonlySet<number>, steps: number): readonly Piece[] {
  const changes = new Map<number, number>([[0, 0]]);
  const change = (step: number, by: number): void => {
    changes.set(step, (changes.get(step) ?? 0) + by);
  };
  for (const { birth, last, handedOver, by } of ranges) {
    const from = Math.ceil(birth);
    const to = Math.min(handedOver ? Math.ceil(last) - 1 : Math.floor(last), steps - 1);
    if (from > to) continue;
    change(from, by);
    change(to + 1, -by);
  }
  for (const step of removed) {
    change(step, 0);
    change(step + 1, 0);
  }
  const starts = [...changes.keys()].sort((a, b) => a - b);
  const found: Piece[] = [];
  let by = 0;
  starts.forEach((from, i) => {
    by += changes.get(from)!;
    const to = (starts[i + 1] ?? steps) - 1;
    if (from <= to && !removed.has(from)) found.push({ from, to, by });
  });
  return found;
}
