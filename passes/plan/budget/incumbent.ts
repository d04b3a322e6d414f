/** The cheapest plan so far, judged by the exact simulator. */
import { type Simulation, simulate } from '../../../src/analysis/simulate.ts';
import { cleanSequence } from './clean-sequence.ts';
import type { Prepared } from './prepared.ts';

export interface JudgedPlan {
  readonly sequence: Int32Array;
  readonly simulation: Simulation;
  /** Cost of recomputation alone. */
  readonly extra: number;
}

/** Cleans and judges a legal sequence. */
export function judge(prepared: Prepared, sequence: Int32Array): JudgedPlan {
  const cleaned = cleanSequence(prepared, sequence);
  const simulation = simulate(prepared.index, cleaned);
  return { sequence: cleaned, simulation, extra: simulation.cost - prepared.baseCost };
}

/** Cheaper first, then fewer bytes. */
export function isBetter(a: JudgedPlan, b: JudgedPlan | undefined): boolean {
  if (b === undefined) return true;
  if (a.extra !== b.extra) return a.extra < b.extra;
  return a.simulation.liveBytes < b.simulation.liveBytes;
}
