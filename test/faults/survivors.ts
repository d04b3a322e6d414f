/** Mutants that no test can notice, each with the reason: what they change is nothing that was promised. */

export interface Survivor {
  readonly file: string;
  /** The line as it stands, without the spaces around it. */
  readonly text: string;
  /** `before -> after` */
  readonly change: string;
  readonly why: string;
}

export const survivors: readonly Survivor[] = [
  {
    file: 'runtime/kernels/reduce.ts',
    text: 'let row = start + first * columnStride + offsetAt(r, reduced, reducedStrides);',
    change: '* -> /',
    why: 'where columns are walked side by side they are the last dimension, whose stride is 1',
  },
  {
    file: 'src/analysis/verify/order.ts',
    text: 'let components = 0;',
    change: '0 -> 1',
    why: 'numbers of components are only compared with one another',
  },
  {
    file: 'passes/arena/check.ts',
    text: 'for (let above = living.after(at); above >= 0; above = living.after(above)) {',
    change: '>= -> >',
    why: 'what lies after a member of a set of numbers of 0 and more is never 0',
  },
  {
    file: 'passes/arena/coarse.ts',
    text: '{ share: 0.002, slack: 0, rankings: [...longFirst, ...fullFirst] },',
    change: '0.002 -> 0.003',
    why: 'which intervals count as small is a choice of the search; every placement that it finds is right',
  },
  {
    file: 'passes/arena/coarse.ts',
    text: 'const middle = (low + high + 1) >>> 1;',
    change: '1 -> 2',
    why: 'bisection ends at the same number from any place above the low end and up to the high one',
  },
  {
    file: 'passes/arena/branch-and-bound.ts',
    text: 'if (f + size[k]! < lifted) lifted = f + size[k]!;',
    change: '+ -> -',
    why: 'a lower floor rules less out: the same answer after more steps',
  },
  {
    file: 'passes/arena/solve-part.ts',
    text: 'const outcome = decide(space, rankings, capacity, Math.ceil((budget.work - reserve) / 2), budget);',
    change: '/ -> *',
    why: 'how the work of a search is shared between its phases; every placement that it finds is right',
  },
  {
    file: 'passes/arena/improve.ts',
    text: 'for (let round = 0; round < rounds; round++) {',
    change: '0 -> 1',
    why: 'one round of thousands',
  },
];
