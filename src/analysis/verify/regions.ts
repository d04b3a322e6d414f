/** Rule on regions: the forward pass ends before the backward pass begins. */
import type { Node } from '../../ir/graph.ts';
import { formatValueName } from '../../ir/text-names.ts';
import { ops } from '../../ops/table.ts';
import { at, type Rule } from './context.ts';

/**
 * Invariant 10. Clones may stand anywhere, and an update may run as soon as nothing else reads what it writes over, so
 * between backward nodes; that it does not run too soon is the rule on residents.
 */
export const regionsInOrder: Rule = ({ graph, report }) => {
  let first: Node | undefined;
  for (const node of graph.nodes) {
    if (node.region !== 'update' && ops.get(node.op)?.effect === 'update')
      report(
        at(node, 'update-region', `${node.op} writes over a resident value, so it belongs into the region update`),
      );
    if (node.recompute !== undefined) continue;
    if (node.region === 'backward') first ??= node;
    else if (node.region === 'forward' && first !== undefined)
      report(
        at(
          node,
          'region-order',
          `a forward node stands after ${formatValueName(first.name)} of the ${first.region} region`,
        ),
      );
  }
};
