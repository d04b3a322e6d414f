/**
 * DOT: a graph for Graphviz. Training graphs explode in every layout engine when drawn plainly, since each saved
 * activation pulls its forward and backward node apart. The cure: each backward node stands in one rank with its forward
 * node, the backward chain is laid out in reverse (`dir=back`), and edges to saved activations do not constrain ranks.
 */
import { requireGraph, requireOptions } from '../ir/arguments.ts';
import type { Graph } from '../ir/graph.ts';
import { drawBlocks } from './blocks.ts';
import { type Arrow, type Box, type BoxKind, type Drawing, drawNodes } from './drawing.ts';

export interface DotOptions {
  /** Graphs of more nodes are drawn as blocks; default 2,000. */
  readonly collapseAbove?: number;
}

const defaultCollapseAbove = 2000;

/** Fill colour and legend text of each kind. */
const kinds: Readonly<Record<BoxKind, { readonly color: string; readonly legend: string }>> = {
  resident: { color: '#f3f4f6', legend: 'resident' },
  forward: { color: '#dbeafe', legend: 'forward' },
  backward: { color: '#fee2e2', legend: 'backward' },
  recompute: { color: '#fde68a', legend: 'recompute' },
  update: { color: '#dcfce7', legend: 'update' },
};

/** The DOT text. Names of any characters are escaped. O(size of the graph). */
export function toDot(graph: Graph, options: DotOptions = {}): string {
  requireGraph('toDot', graph);
  requireOptions('toDot', options);
  const collapsed = graph.nodes.length > (options.collapseAbove ?? defaultCollapseAbove);
  return printDrawing(collapsed ? drawBlocks(graph) : drawNodes(graph));
}

function printDrawing(drawing: Drawing): string {
  const { boxes, arrows } = drawing;
  const lines = [
    `digraph ${dotString(drawing.title)} {`,
    '  graph [rankdir=TB, nodesep=0.25, ranksep=0.35, fontname="Helvetica", labelloc=t];',
    '  node [shape=box, style="filled,rounded", color="#6b7280", fontname="Helvetica", fontsize=10, margin="0.1,0.05"];',
    '  edge [color="#4b5563", arrowsize=0.6];',
    `  label=${legend(boxes)};`,
  ];
  boxes.forEach((box, i) => {
    lines.push(`  b${i} [${boxAttributes(box)}];`);
  });
  for (const row of rowsOf(boxes)) lines.push(`  { rank=same; ${row.map((i) => `b${i};`).join(' ')} }`);
  for (const arrow of arrows) lines.push(`  ${printArrow(arrow, boxes)}`);
  lines.push('}', '');
  return lines.join('\n');
}

function boxAttributes(box: Box): string {
  const attributes = [
    `label=${dotString(box.lines.join('\n'))}`,
    `tooltip=${dotString(box.title)}`,
    `fillcolor="${kinds[box.kind].color}"`,
  ];
  if (box.kept) attributes.push('penwidth=2.5', 'color="#1d4ed8"');
  if (box.kind === 'resident') attributes.push('shape=ellipse', 'style=filled');
  return attributes.join(', ');
}

/** Rows of two boxes and more, in the order of their first boxes. */
function rowsOf(boxes: readonly Box[]): readonly (readonly number[])[] {
  const rows = new Map<number, number[]>();
  boxes.forEach((box, i) => {
    const row = rows.get(box.row);
    if (row === undefined) rows.set(box.row, [i]);
    else row.push(i);
  });
  return [...rows.values()].filter((row) => row.length > 1);
}

function printArrow({ from, to, order }: Arrow, boxes: readonly Box[]): string {
  const tail = boxes[from]!;
  const head = boxes[to]!;
  if (order) return `b${from} -> b${to} [constraint=false, style=dotted, color="#9ca3af"];`;
  const free = tail.row === head.row ? ', constraint=false' : '';
  if (tail.kind === 'backward' && head.kind === 'backward') return `b${to} -> b${from} [dir=back${free}];`;
  const downward = head.kind === 'forward' && (tail.kind === 'forward' || tail.kind === 'resident');
  if (downward) return `b${from} -> b${to};`;
  const color = tail.kind === 'forward' ? '#1d4ed8' : tail.kind === 'recompute' ? '#b45309' : '#9ca3af';
  return `b${from} -> b${to} [constraint=false, style=dashed, color="${color}"];`;
}

/** An HTML-like label: one coloured cell for each kind that occurs. */
function legend(boxes: readonly Box[]): string {
  const present = new Set(boxes.map((box) => box.kind));
  const cells = Object.entries(kinds)
    .filter(([kind]) => [...present].some((name) => name === kind))
    .map(([, { color, legend: text }]) => `<TD BGCOLOR="${color}">${text}</TD>`);
  if (boxes.some((box) => box.kept)) cells.push('<TD COLOR="#1d4ed8" BORDER="2">kept for backward</TD>');
  if (cells.length === 0) return '""';
  return `<<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="4" CELLPADDING="3"><TR>${cells.join('')}</TR></TABLE>>`;
}

/**
 * A quoted DOT string. Graphviz reads escapes and HTML entities within it, and stops at NUL; control characters, those
 * that turn the direction of text, and lone surrogates are shown as U+FFFD.
 */
export function dotString(text: string): string {
  const clean = text
    .replace(/\r\n?/g, '\n')
    .replace(/[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '\ufffd')
    .replace(/\\/g, '\\\\')
    .replace(/"/g, '\\"')
    .replace(/&/g, '&amp;')
    .replace(/\n/g, '\\n');
  return `"${clean}"`;
}
