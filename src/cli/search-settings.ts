/** How the command line watches a search for a plan: a progress line on a terminal, silence when piped. */
import { loadSolver } from '../../passes/plan/budget/solver.ts';
import type { SearchSettings } from '../../passes/plan/strategy.ts';

export async function searchSettings(): Promise<SearchSettings> {
  const solver = await loadSolver();
  if (process.stderr.isTTY !== true) return { solver };
  let last = 0;
  return {
    solver,
    onProgress: ({ extra, moves }) => {
      const now = performance.now();
      if (now - last < 100) return;
      last = now;
      const found = Number.isFinite(extra) ? `recomputation ${extra}` : 'nothing fits yet';
      process.stderr.write(`\r\u001b[Kplanning: ${moves} moves, ${found}`);
    },
  };
}
