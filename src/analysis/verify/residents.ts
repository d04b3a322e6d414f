/** Rules on what is written over: parameters and state only, once, and after every read of the old contents. */
import { formatType, sameType } from '../../ir/graph.ts';
import { formatValueName } from '../../ir/text-names.ts';
import { ops } from '../../ops/table.ts';
import { at, type Rule } from './context.ts';

/**
 * Invariants 12 and 13. A view of a resident is a read of it wherever the view is read; the results of the writing
 * node are the new contents and may be read.
 */
export const writesComeLast: Rule = ({ graph, definitions, report }) => {
  const roots = new Map<string, string>();
  for (const [name, definition] of definitions) if (definition.kind !== 'result') roots.set(name, name);
  const writers = new Map<string, string>();
  for (const node of graph.nodes) {
    const op = ops.get(node.op);
    for (const operand of node.operands) {
      const root = roots.get(operand.name);
      const writer = root === undefined ? undefined : writers.get(root);
      if (root === undefined || writer === undefined) continue;
      const via = root === operand.name ? '' : ` (through ${formatValueName(operand.name)})`;
      report(
        at(
          node,
          'read-after-write',
          `reads ${formatValueName(root)}${via} after ${formatValueName(writer)} wrote over it`,
          'an update comes after every read of what it writes over, by clones too',
        ),
      );
    }
    const viewed = op?.effect === 'view' ? node.operands[0] : undefined;
    const root = viewed === undefined ? undefined : roots.get(viewed.name);
    if (root !== undefined) for (const result of node.results) roots.set(result.name, root);
    for (const [i, operandIndex] of (op?.writes ?? []).entries()) {
      const target = node.operands[operandIndex];
      const result = node.results[i];
      if (target === undefined || result === undefined) continue;
      const kind = definitions.get(target.name)?.kind;
      if (kind !== undefined && kind !== 'parameter' && kind !== 'state')
        report(
          at(
            node,
            'write-target',
            `writes over ${formatValueName(target.name)}, which is ${kind === 'result' ? 'no resident value' : `${kind === 'input' ? 'an' : 'a'} ${kind}`}`,
            'only parameters and state may be written over',
          ),
        );
      if (!sameType(target.type, result.type))
        report(
          at(
            node,
            'write-type',
            `writes ${formatType(result.type)} over ${formatValueName(target.name)}: ${formatType(target.type)}`,
          ),
        );
      const earlier = writers.get(target.name);
      if (earlier === node.name)
        report(at(node, 'written-twice', `writes over ${formatValueName(target.name)} with two of its results`));
      writers.set(target.name, node.name);
    }
  }
  for (const output of graph.outputs) {
    const root = roots.get(output.value);
    const writer = root === undefined ? undefined : writers.get(root);
    if (root !== undefined && writer !== undefined)
      report({
        code: 'read-after-write',
        message: `the output ${JSON.stringify(output.name)} is the old ${formatValueName(root)}, which ${formatValueName(writer)} writes over`,
        node: writer,
      });
  }
};
