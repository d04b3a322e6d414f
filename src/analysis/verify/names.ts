/** Rules on names and types as such. */

import { formatType, residents, type TensorType } from '../../ir/graph.ts';
import { formatValueName } from '../../ir/text-names.ts';
import { isDType } from '../../ir/text-scanner.ts';
import { at, type Rule } from './context.ts';

/** Invariants 1 and 2: names are unique, and a node is named after its first result. */
export const namesAreIdentity: Rule = ({ graph, definitions, report }) => {
  const seen = new Set<string>();
  for (const { name } of residents(graph)) {
    if (seen.has(name))
      report({ code: 'duplicate-name', message: `two resident values are named ${formatValueName(name)}` });
    seen.add(name);
  }
  for (const node of graph.nodes) {
    const first = node.results[0];
    if (first === undefined) report(at(node, 'no-results', 'a node has at least one result'));
    else if (first.name !== node.name)
      report(at(node, 'node-name', `a node is named after its first result, which is ${formatValueName(first.name)}`));
    for (const { name } of node.results) {
      if (seen.has(name)) {
        const kind = definitions.get(name)?.kind ?? 'result';
        const holder = kind === 'result' ? 'another result' : `a resident value (${kind})`;
        report(at(node, 'duplicate-name', `the name ${formatValueName(name)} is that of ${holder} too`));
      }
      seen.add(name);
    }
  }
};

/** Invariant 3: element types are known ones, extents are integers of 0 or more. */
export const typesAreStatic: Rule = ({ graph, report }) => {
  for (const value of residents(graph))
    if (!isStatic(value.type))
      report({
        code: 'bad-type',
        message: `${formatValueName(value.name)}: ${formatType(value.type)} is not a static type`,
      });
  for (const node of graph.nodes)
    for (const result of node.results)
      if (!isStatic(result.type))
        report(
          at(
            node,
            'bad-type',
            `${formatValueName(result.name)} has the type ${formatType(result.type)}, not a static one`,
          ),
        );
};

function isStatic(type: TensorType): boolean {
  return isDType(type.dtype) && type.shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0);
}
