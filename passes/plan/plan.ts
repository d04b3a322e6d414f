/** Plan: a sequence of node names in which a name may appear more than once, with its figures (DESIGN idea 2). */

export interface Plan {
  readonly strategy: string;
  readonly options: Readonly<Record<string, string | readonly string[]>>;
  /** Cost model by name, or `measured`. */
  readonly costModel: string;
  readonly sequence: readonly string[];
  /** Bytes: what the sequence keeps alive at its peak, before placement. */
  readonly liveBytes: number;
  /** In units of the cost model: all steps, and each node once. */
  readonly cost: number;
  readonly baseCost: number;
  /** No legal sequence within the budget costs less; without a budget, `baseCost`. */
  readonly lowerBound: number;
  /** Name of the bound. */
  readonly bound: string;
}
