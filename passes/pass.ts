/** Pass: a named step of compilation, and what it needs and leaves behind. */
import { type Diagnostic, SublinearError } from '../src/ir/diagnostic.ts';
import type { Graph, Model } from '../src/ir/graph.ts';
import type { MemoryPlan } from './memory-plan.ts';
import type { UpdateInfo } from './optimize.ts';
import type { Plan } from './plan/plan.ts';
import type { SearchSettings } from './plan/strategy.ts';

/** What passes hand on. */
export interface Compilation {
  readonly model: Model;
  /** Names of the scalar values that are differentiated. */
  readonly losses: readonly string[];
  /** Parameters that an optimizer may change, chosen at differentiation. */
  readonly trainable?: readonly string[];
  /** What the user should know of that choice. */
  readonly notes?: readonly Diagnostic[];
  /** The update that `optimize` compiled in. */
  readonly update?: UpdateInfo;
  /** The graph that was planned, before the rewrite. */
  readonly planned?: Graph;
  readonly plan?: Plan;
  readonly memory?: MemoryPlan;
  /** How searches are watched and helped. */
  readonly search?: SearchSettings;
}

/** What holds of a compilation once a pass has run. */
export type Fact = 'backward' | 'optimized' | 'plan' | 'recomputed' | 'memory';

export type PassOptionValue = string | readonly string[];
export type PassOptions = Readonly<Record<string, PassOptionValue>>;

export interface PassOptionSpec {
  readonly doc: string;
  /** Printed form of the default. */
  readonly default: string;
}

export interface PassResult {
  readonly compilation: Compilation;
  /** Whether the graph's text differs from before; the manager checks the claim. */
  readonly changed: boolean;
}

export interface Pass {
  /** kebab-case. */
  readonly name: string;
  /** One line for `sublinear passes`. */
  readonly summary: string;
  readonly options: Readonly<Record<string, PassOptionSpec>>;
  readonly requires: readonly Fact[];
  /** Facts under which the pass would be wrong: no merging of nodes after recomputation, for one. */
  readonly forbids: readonly Fact[];
  readonly establishes: readonly Fact[];
  run(compilation: Compilation, options: PassOptions): PassResult;
}

/** An option that must be a single word; the default where it is absent. */
export function stringOption(options: PassOptions, name: string, fallback: string): string {
  const value = options[name];
  return typeof value === 'string' ? value : (value?.[0] ?? fallback);
}

/** An option that is a number. Throws `SublinearError` (exit code 2). */
export function numberOption(options: PassOptions, name: string): number | undefined {
  if (options[name] === undefined) return undefined;
  return toNumber(name, stringOption(options, name, ''));
}

/** An option that is a list of numbers. Throws `SublinearError` (exit code 2). */
export function numbersOption(options: PassOptions, name: string): readonly number[] | undefined {
  return options[name] === undefined ? undefined : listOption(options, name).map((word) => toNumber(name, word));
}

function toNumber(name: string, word: string): number {
  const value = Number(word);
  if (word.trim() !== '' && Number.isFinite(value)) return value;
  throw new SublinearError(
    { code: 'bad-option', message: `${name} is ${JSON.stringify(word)}, which is no number` },
    2,
  );
}

/** An option that is a list. */
export function listOption(options: PassOptions, name: string): readonly string[] {
  const value = options[name];
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}
