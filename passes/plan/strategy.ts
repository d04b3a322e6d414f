/**
 * A strategy is a function from a plan graph to a sequence (DESIGN idea 2). This file says what one is and checks the
 * options that people hand to it, so that each strategy sees only options that are its own and of the right kind.
 */
import type { PlanIndex } from '../../src/analysis/plan-graph.ts';
import { nearestName, SublinearError } from '../../src/ir/diagnostic.ts';
import type { BudgetProgress } from './budget/plan-for-budget.ts';
import type { Solver } from './budget/solver.ts';

/** Numbers may come as text, as a pipeline string has them. */
export type OptionValue = string | number | boolean | readonly string[];
export type StrategyOptions = Readonly<Record<string, OptionValue>>;

/**
 * Node numbers in the order in which they run: every node at least once, forward nodes first appear before every
 * backward node, backward and update nodes appear once. Throws `SublinearError` for options that cannot be honoured.
 */
export type Strategy = (index: PlanIndex, options: StrategyOptions) => Int32Array;

export interface StrategyOption {
  readonly name: string;
  readonly kind: 'integer' | 'bytes' | 'text' | 'flag' | 'names';
  readonly summary: string;
  /** What holds when the option is not given. */
  readonly fallback: string;
}

/** What a strategy that plans within bytes is told beside the graph. */
export interface PlanContext {
  /** Bytes of residents, which a budget on the peak includes. */
  readonly residentBytes: number;
  readonly search?: SearchSettings;
}

/** How a search is watched and helped; the plan depends on `solver` alone. */
export interface SearchSettings {
  /** Integer programs for bounds (`loadSolver`). */
  readonly solver?: Solver;
  readonly onProgress?: (progress: BudgetProgress) => void;
  /** Asked now and then: true ends the search with the best plan so far. */
  readonly shouldStop?: () => boolean;
  /** Whether a budget that is missed is answered by a search for the smallest one that can be met; default true. */
  readonly descend?: boolean;
  /** Share of the base cost that recomputation may add, where more is as good as no plan, and less no better. */
  readonly bearable?: number;
  /** Called before the first search of a strategy, and after its last, also where that fails. */
  readonly onStart?: () => void;
  readonly onEnd?: () => void;
}

/** What `run` returns, with the watch over its searches begun and ended. */
export function watched<T>(search: SearchSettings | undefined, run: () => T): T {
  search?.onStart?.();
  try {
    return run();
  } finally {
    search?.onEnd?.();
  }
}

/** A sequence and what is proved of it: no legal sequence within the budget costs less than `lowerBound`. */
export interface BoundedSequence {
  readonly sequence: Int32Array;
  readonly lowerBound: number;
  readonly bound: string;
  /** Bytes of arena within which it was planned. */
  readonly budget: number;
  /** Set where the search ended early, because it was told to. */
  readonly stopped?: true;
}

export interface StrategyDefinition {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  readonly options: readonly StrategyOption[];
  readonly sequence: Strategy;
  /** For strategies that plan within a budget: what the plan pass calls instead of `sequence`. */
  readonly bounded?: (index: PlanIndex, options: StrategyOptions, context: PlanContext) => BoundedSequence;
}

/** Throws `SublinearError` for an option that the strategy does not have. */
export function checkOptionNames(definition: StrategyDefinition, options: StrategyOptions): void {
  const known = definition.options.map((option) => option.name);
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const nearest = nearestName(name, known);
    throw new SublinearError(
      {
        code: 'unknown-option',
        message: `strategy ${definition.name} has no option ${JSON.stringify(name)}`,
        hint:
          nearest !== undefined
            ? `did you mean ${JSON.stringify(nearest)}?`
            : known.length === 0
              ? 'it has no options'
              : `it has ${known.join(', ')}`,
      },
      2,
    );
  }
}

/** A whole number of at least `least`, or undefined where the option is not given. */
export function integerOption(options: StrategyOptions, name: string, least: number): number | undefined {
  const value = options[name];
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= least) return number;
  throw badOption(name, `a whole number, at least ${least}`, value);
}

/** Names: a list, or text with commas between them. */
export function namesOption(options: StrategyOptions, name: string): readonly string[] | undefined {
  const value = options[name];
  if (value === undefined) return undefined;
  if (typeof value === 'string') return value === '' ? [] : value.split(',').map((part) => part.trim());
  if (typeof value === 'object') return value;
  throw badOption(name, 'a list of names', value);
}

function badOption(name: string, expected: string, value: OptionValue): SublinearError {
  return new SublinearError(
    { code: 'bad-option', message: `option ${name} takes ${expected}, not ${JSON.stringify(value)}` },
    2,
  );
}
