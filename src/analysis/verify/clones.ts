/** Rule on clones: the collapse law, node by node (DESIGN idea 3). */
import { attributesKey, type Node, sameType } from '../../ir/graph.ts';
import { formatValueName } from '../../ir/text-names.ts';
import { ops } from '../../ops/table.ts';
import { at, type Rule } from './context.ts';

/** Invariant 11. Together with unique names, it makes `collapse` give the graph before the rewrite. */
export const clonesCollapse: Rule = ({ graph, positions, copies, report }) => {
  graph.nodes.forEach((node, position) => {
    if (node.recompute === undefined) return;
    const originalName = formatValueName(node.recompute);
    const originalPosition = positions.get(node.recompute);
    const original = originalPosition === undefined ? undefined : graph.nodes[originalPosition];
    if (original === undefined || originalPosition === undefined) {
      report(at(node, 'unknown-original', `recomputes ${originalName}, which is no node`));
      return;
    }
    if (original.recompute !== undefined) {
      report(
        at(
          node,
          'clone-of-clone',
          `recomputes ${originalName}, which is itself a clone`,
          `every clone names its original: ${formatValueName(original.recompute)}`,
        ),
      );
      return;
    }
    if (originalPosition >= position)
      report(at(node, 'clone-before-original', `stands before ${originalName}, which it recomputes`));
    const effect = ops.get(node.op)?.effect;
    if (effect === 'state' || effect === 'update')
      report(at(node, 'clone-of-effect', `${node.op} has the effect ${effect} and may run only once a step`));
    const difference = differenceOf(node, original, copies);
    if (difference !== undefined) report(at(node, 'clone-differs', `recomputes ${originalName}, but ${difference}`));
  });
};

function differenceOf(clone: Node, original: Node, copies: ReadonlyMap<string, string>): string | undefined {
  if (clone.op !== original.op) return `its op is ${clone.op}, not ${original.op}`;
  if (attributesKey(clone.attributes) !== attributesKey(original.attributes)) return 'its attributes differ';
  const { results } = clone;
  if (
    results.length !== original.results.length ||
    !results.every((r, i) => sameType(r.type, original.results[i]!.type))
  )
    return 'its result types differ';
  if (clone.operands.length !== original.operands.length)
    return `it has ${clone.operands.length} operands, not ${original.operands.length}`;
  for (const [i, operand] of clone.operands.entries()) {
    const wanted = original.operands[i]!.name;
    const known = copies.get(operand.name) ?? operand.name;
    // The original may itself read a copy, where it stands after one.
    if (known !== (copies.get(wanted) ?? wanted))
      return `its operand ${i} is ${formatValueName(operand.name)}, no copy of ${formatValueName(wanted)}`;
  }
  return undefined;
}
