/** Where the largest of a range of numbers stands, in constant time after a table of n log n (a sparse table). */

export interface RangeMax {
  /** Position of the largest of `values[from .. to]`, both included; the first of equals. -1 where the range is empty. */
  readonly argMax: (from: number, to: number) => number;
}

/** The numbers must stay as they are. */
export function rangeMax(values: ArrayLike<number>): RangeMax {
  const n = values.length;
  const better = (a: number, b: number): number => (values[b]! > values[a]! ? b : a);
  /** Row k: of each position, the place of the largest of the 2^k numbers from there. */
  const rows: Int32Array[] = [Int32Array.from({ length: n }, (_, i) => i)];
  for (let k = 1; 1 << k <= n; k++) {
    const above = rows[k - 1]!;
    const half = 1 << (k - 1);
    rows.push(Int32Array.from({ length: n - (1 << k) + 1 }, (_, i) => better(above[i]!, above[i + half]!)));
  }
  return {
    argMax: (from, to) => {
      if (from > to) return -1;
      const k = 31 - Math.clz32(to - from + 1);
      return better(rows[k]![from]!, rows[k]![to - (1 << k) + 1]!);
    },
  };
}
