/**
 * How the command line watches a search for a plan: a line of progress on a terminal, silence when piped, and Ctrl-C,
 * which ends the search with the best plan so far.
 */
import { loadSolver, type SolverResult } from '../../passes/plan/budget/solver.ts';
import type { SearchSettings } from '../../passes/plan/strategy.ts';
import type { Diagnostic } from '../ir/diagnostic.ts';
import { formatSeconds } from './format.ts';
import { type InterruptWatch, watchInterrupt } from './interrupt-watch.ts';

/** For the searches between `onStart` and `onEnd`, and for later ones, which end at once if these were stopped. */
export interface WatchedSearch extends Required<Omit<SearchSettings, 'descend' | 'bearable'>> {
  readonly stopped: () => boolean;
}

/** Milliseconds between lines of progress. */
const refresh = 100;
/** Proves nothing. */
const unsolved: SolverResult = {
  bound: Number.NEGATIVE_INFINITY,
  infeasible: false,
  solution: undefined,
  objective: Number.NaN,
};

export async function searchSettings(): Promise<WatchedSearch> {
  const solver = await loadSolver();
  const isTerminal = process.stderr.isTTY === true;
  let watch: InterruptWatch | undefined;
  let stopped = false;
  let began = 0;
  let drawn = 0;
  let extra = Number.POSITIVE_INFINITY;
  const draw = (): void => {
    const now = performance.now();
    if (!isTerminal || now - Math.max(began, drawn) < refresh) return;
    drawn = now;
    const found = Number.isFinite(extra) ? `recomputation ${extra} so far` : 'nothing fits yet';
    const seconds = formatSeconds((now - began) / 1000);
    process.stderr.write(`\r\u001b[Kplanning for ${seconds}: ${found} (Ctrl-C takes the best so far)`);
  };
  const shouldStop = (): boolean => {
    draw();
    stopped ||= watch?.interrupted() === true;
    return stopped;
  };
  return {
    // A search that is to stop does not wait for better bounds.
    solver: (program, limits) => (shouldStop() ? unsolved : solver(program, { ...limits, shouldStop })),
    onStart: () => {
      began = performance.now();
      watch ??= watchInterrupt();
    },
    // What a search reports is the best of its present start.
    onProgress: (progress) => {
      extra = Math.min(extra, progress.extra);
    },
    shouldStop,
    onEnd: () => {
      stopped ||= watch?.interrupted() === true;
      watch?.close();
      watch = undefined;
      if (drawn > 0) process.stderr.write('\r\u001b[K');
      drawn = 0;
      extra = Number.POSITIVE_INFINITY;
    },
    stopped: () => stopped,
  };
}

/** Said once of a plan whose search did not come to its end. */
export const stoppedNote: Diagnostic = {
  code: 'search-stopped',
  message: 'stopped: the best plan so far is taken; more of the search might have found a cheaper one',
};
