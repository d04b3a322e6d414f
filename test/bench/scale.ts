/** Compilation time against size: chains and random graphs under `memory`. */

import { formatTable } from '../../src/cli/format.ts';
import { compile } from '../../src/compile.ts';
import { tanhChain, wideGraph } from '../large-models.ts';

export function scaleTable(): string {
  const rows = [['graph', 'nodes', 'seconds', 'times the one before']];
  const measure = (name: string, sizes: readonly number[], build: typeof tanhChain): void => {
    let before: number | undefined;
    for (const size of sizes) {
      const built = build(size);
      const started = performance.now();
      const { planned } = compile(built, { losses: built.losses, strategy: 'memory' });
      const seconds = (performance.now() - started) / 1000;
      rows.push([
        name,
        String(planned.nodes.length),
        seconds.toFixed(2),
        before === undefined ? '' : (seconds / before).toFixed(1),
      ]);
      before = seconds;
    }
  };
  measure('chain', [2_000, 20_000], tanhChain);
  measure('random', [10_000, 100_000], wideGraph);
  return formatTable(rows);
}
