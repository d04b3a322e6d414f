/**
 * The text form of a graph, `sublinear-ir 1`: one line a node, readable, and read back by `parseGraph` to an equal
 * graph. Equal graphs print alike (attributes are printed in order of their names), so a hash of the text is a hash of
 * the graph.
 *
 *   file    := 'sublinear-ir 1' newline header body '}'
 *   header  := 'graph' @name '(' values ')' ['params(' values ')'] ['state(' values ')'] ['consts(' values ')']
 *              '->' '(' outputs ')' '{'
 *   values  := %name ':' type, ...                       outputs := %value ['as' "name"] ['of' %value], ...
 *   type    := f32 '[' extent, ... ']'
 *   body    := lines, each of: 'forward:' | 'backward:' | 'update:' | node | '//' remark | nothing
 *   node    := %result, ... '=' op [%operand, ...] ['{' key '=' attribute, ... '}'] ':' type, ...
 *              ['recompute(' %node ')'] ['gradient(' %node ')'] ['after(' %node, ... ')'] ['//' source]
 *
 * Names and strings are quoted as in JSON where they are not plain (text-names.ts). The header is written one entry a
 * line when it does not fit in 100 columns.
 */
import { requireGraph } from './arguments.ts';
import {
  type AttributeValue,
  formatType,
  type Graph,
  type Node,
  type Output,
  type Region,
  type Value,
} from './graph.ts';
import { formatGraphName, formatKey, formatNumber, formatRemark, formatValueName, quote } from './text-names.ts';

export const textVersion = 1;

const headerColumns = 100;

/** The whole text, ending in a newline. O(size of the graph). */
export function printGraph(graph: Graph): string {
  requireGraph('printGraph', graph);
  const lines = [`sublinear-ir ${textVersion}`, printHeader(graph)];
  let region: Region | undefined;
  for (const node of graph.nodes) {
    if (node.region !== region) lines.push(`${node.region}:`);
    region = node.region;
    lines.push(`  ${printNode(node)}`);
  }
  lines.push('}', '');
  return lines.join('\n');
}

/** One node, without indentation and line end. */
export function printNode(node: Node): string {
  let line = `${printNames(node.results)} = ${formatKey(node.op)}`;
  if (node.operands.length > 0) line += ` ${printNames(node.operands)}`;
  const keys = Object.keys(node.attributes).sort();
  if (keys.length > 0)
    line += ` {${keys.map((key) => `${formatKey(key)}=${printAttribute(node.attributes[key]!)}`).join(', ')}}`;
  line += ` : ${node.results.map((result) => formatType(result.type)).join(', ')}`;
  if (node.recompute !== undefined) line += ` recompute(${formatValueName(node.recompute)})`;
  if (node.gradientOf !== undefined) line += ` gradient(${formatValueName(node.gradientOf)})`;
  if (node.after !== undefined) line += ` after(${node.after.map(formatValueName).join(', ')})`;
  if (node.source !== undefined) line += ` // ${formatRemark(node.source)}`;
  return line;
}

/** An attribute's value: `0.5`, `true`, `"edge"`, `[1, 2]`. */
export function printAttribute(value: AttributeValue): string {
  switch (typeof value) {
    case 'number':
      return formatNumber(value);
    case 'string':
      return quote(value);
    case 'boolean':
      return String(value);
    default:
      return `[${value.map(formatNumber).join(',')}]`;
  }
}

function printNames(values: readonly Value[]): string {
  return values.map((value) => formatValueName(value.name)).join(', ');
}

function printHeader(graph: Graph): string {
  const sections: [opening: string, entries: readonly string[]][] = [
    [`graph ${formatGraphName(graph.name)}(`, graph.inputs.map(printTyped)],
    [' params(', graph.parameters.map(printTyped)],
    [' state(', graph.state.map(printTyped)],
    [' consts(', graph.constants.map(printTyped)],
    [' -> (', graph.outputs.map(printOutput)],
  ];
  const printed = sections.filter(([, entries], i) => i === 0 || i === sections.length - 1 || entries.length > 0);
  const oneLine = `${printed.map(([opening, entries]) => `${opening}${entries.join(', ')})`).join('')} {`;
  if (oneLine.length <= headerColumns) return oneLine;
  const wrapped = printed.map(([opening, entries]) =>
    entries.length === 0 ? `${opening})` : `${opening}\n${entries.map((entry) => `  ${entry},\n`).join('')})`,
  );
  return `${wrapped.join('')} {`;
}

function printTyped(value: Value): string {
  return `${formatValueName(value.name)}: ${formatType(value.type)}`;
}

function printOutput(output: Output): string {
  const name = output.name === output.value ? '' : ` as ${quote(output.name)}`;
  const of = output.of === undefined ? '' : ` of ${formatValueName(output.of)}`;
  return `${formatValueName(output.value)}${name}${of}`;
}
