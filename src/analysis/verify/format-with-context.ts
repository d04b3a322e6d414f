/** Prints a diagnostic with the lines of the graph around the fault. */
import { type Diagnostic, formatDiagnostic } from '../../ir/diagnostic.ts';
import type { Graph } from '../../ir/graph.ts';
import { printNode } from '../../ir/print.ts';

const linesAround = 2;
const columns = 160;

/** The diagnostic as `formatDiagnostic` has it, then the node's line, marked, and two lines on either side. */
export function formatWithContext(graph: Graph, diagnostic: Diagnostic): string {
  const text = formatDiagnostic(diagnostic);
  if (diagnostic.node === undefined) return text;
  const position = graph.nodes.findIndex((node) => node.name === diagnostic.node);
  if (position < 0) return text;
  const from = Math.max(0, position - linesAround);
  const window = graph.nodes.slice(from, position + linesAround + 1).map((node, i) => {
    const line = printNode(node);
    const shown = line.length > columns ? `${line.slice(0, columns - 3)}...` : line;
    return `  ${from + i === position ? '>' : ' '} ${shown}`;
  });
  return [text, ...window].join('\n');
}
