/** What clipping by the norm of all gradients costs: it cannot begin before the last gradient is there. */
import { type CompileOptions, compile } from '../compile.ts';
import type { Model } from '../ir/graph.ts';

export interface ClipCost {
  readonly arenaBytes: number;
  /** Of the same step without clipping by norm. */
  readonly arenaBytesWithout: number;
}

/** Compiles the step without clipping by norm, and compares. */
export function clipCost(model: Model, options: CompileOptions, arenaBytes: number): ClipCost {
  const { clipNorm: _bound, ...rest } = options;
  return { arenaBytes, arenaBytesWithout: compile(model, rest).figures.arenaBytes };
}
