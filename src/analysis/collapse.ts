/**
 * The collapse law (DESIGN idea 3): on the output of `recompute`, replacing every clone by its original gives the graph
 * before the rewrite, `after` edges aside. It is why gradients stay bitwise equal.
 */
import type { Diagnostic } from '../ir/diagnostic.ts';
import { attributesKey, formatType, type Graph, type Node, type Output, sameType, type Value } from '../ir/graph.ts';
import { formatValueName, quote } from '../ir/text-names.ts';

/** `graph` with each clone replaced by its original, and without `after` edges. The order of originals is kept. */
export function collapse(graph: Graph): Graph {
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  const originals = new Map<string, Value>();
  for (const node of graph.nodes) {
    const original = originalOf(node, nodes);
    if (original === node) continue;
    node.results.forEach((result, i) => {
      originals.set(result.name, original.results[i] ?? result);
    });
  }
  const resolve = (value: Value): Value => originals.get(value.name) ?? value;
  return {
    ...graph,
    nodes: graph.nodes
      .filter((node) => node.recompute === undefined)
      .map(({ after: _, ...node }) => ({ ...node, operands: node.operands.map(resolve) })),
    outputs: graph.outputs.map((output) => ({ ...output, value: originals.get(output.value)?.name ?? output.value })),
  };
}

/** Follows clones of clones; a chain that comes back to itself ends where it does. */
function originalOf(node: Node, nodes: ReadonlyMap<string, Node>): Node {
  const seen = new Set<string>();
  let original = node;
  while (original.recompute !== undefined && !seen.has(original.name)) {
    seen.add(original.name);
    const next = nodes.get(original.recompute);
    if (next === undefined) break;
    original = next;
  }
  return original;
}

/**
 * What differs between `before` and `after` once both are collapsed, the order of nodes aside; also outputs bound to
 * clones instead of first copies. Empty where the law holds.
 */
export function checkCollapseLaw(before: Graph, after: Graph): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const report = (message: string, node?: Node): void => {
    diagnostics.push({
      code: 'collapse-law',
      message,
      ...(node !== undefined && { node: node.name }),
      ...(node?.source !== undefined && { source: node.source }),
    });
  };
  const expected = collapse(before);
  const found = collapse(after);
  for (const list of ['inputs', 'parameters', 'state', 'constants'] as const)
    if (formatValues(expected[list]) !== formatValues(found[list])) report(`the rewrite changed the ${list}`);
  const rest = new Map(found.nodes.map((node) => [node.name, node]));
  for (const node of expected.nodes) {
    const kept = rest.get(node.name);
    rest.delete(node.name);
    const difference = kept === undefined ? 'is gone' : differenceOf(node, kept);
    if (difference !== undefined) report(`${formatValueName(node.name)} ${difference}`, kept ?? node);
  }
  for (const node of rest.values()) report(`${formatValueName(node.name)} is new and no clone`, node);
  if (expected.outputs.map(formatOutput).join() !== found.outputs.map(formatOutput).join())
    report(
      `the outputs were ${expected.outputs.map(formatOutput).join(', ')} and are ${found.outputs.map(formatOutput).join(', ')}`,
    );
  after.outputs.forEach((output, i) => {
    const collapsed = found.outputs[i]!;
    if (collapsed.value !== output.value)
      report(
        `the output ${quote(output.name)} is bound to the clone ${formatValueName(output.value)}, not to ${formatValueName(collapsed.value)}`,
      );
  });
  return diagnostics;
}

function differenceOf(before: Node, after: Node): string | undefined {
  if (before.op !== after.op) return `was ${before.op} and is ${after.op}`;
  if (before.region !== after.region) return `was in the region ${before.region} and is in ${after.region}`;
  if (attributesKey(before.attributes) !== attributesKey(after.attributes)) return 'has other attributes';
  if (formatNames(before.operands) !== formatNames(after.operands))
    return `read ${formatNames(before.operands)} and reads ${formatNames(after.operands)}`;
  const sameResults =
    before.results.length === after.results.length &&
    before.results.every((result, i) => {
      const other = after.results[i]!;
      return result.name === other.name && sameType(result.type, other.type);
    });
  return sameResults ? undefined : 'has other results';
}

const formatNames = (values: readonly Value[]): string => values.map((value) => formatValueName(value.name)).join(', ');

const formatValues = (values: readonly Value[]): string =>
  values.map((value) => `${formatValueName(value.name)}: ${formatType(value.type)}`).join(', ');

const formatOutput = (output: Output): string =>
  `${formatValueName(output.value)} as ${quote(output.name)}${output.of === undefined ? '' : ` of ${formatValueName(output.of)}`}`;
