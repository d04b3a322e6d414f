/** Rule on outputs: they exist, under names of their own, and gradients have the types of what they are gradients of. */
import { nameSuggester } from '../../ir/diagnostic.ts';
import { formatType, sameType } from '../../ir/graph.ts';
import { formatValueName } from '../../ir/text-names.ts';
import type { Rule } from './context.ts';

/** Invariant 14. */
export const outputsExist: Rule = ({ graph, definitions, copies, report }) => {
  const names = new Set<string>();
  const nearestTo = nameSuggester(() => definitions.keys());
  for (const { name, value, of } of graph.outputs) {
    const output = `the output ${JSON.stringify(name)}`;
    if (names.has(name)) report({ code: 'duplicate-output', message: `two outputs are named ${JSON.stringify(name)}` });
    names.add(name);
    for (const needed of of === undefined ? [value] : [value, of]) {
      if (definitions.has(needed)) continue;
      const nearest = nearestTo(needed);
      report({
        code: 'unknown-value',
        message: `${output} ${needed === value ? 'is' : 'is the gradient of'} ${formatValueName(needed)}, which nothing defines`,
        ...(nearest !== undefined && { hint: `did you mean ${formatValueName(nearest)}?` }),
      });
    }
    const copied = copies.get(value);
    if (copied !== undefined)
      report({
        code: 'output-of-clone',
        message: `${output} is bound to the clone ${formatValueName(value)}`,
        node: value,
        hint: `outputs are bound to first copies: ${formatValueName(copied)}`,
      });
    const type = definitions.get(value)?.value.type;
    const primal = of === undefined ? undefined : definitions.get(of)?.value.type;
    if (of !== undefined && type !== undefined && primal !== undefined && !sameType(type, primal))
      report({
        code: 'gradient-type',
        message: `${output} is ${formatType(type)}, but ${formatValueName(of)}, of which it is the gradient, is ${formatType(primal)}`,
      });
  }
};
