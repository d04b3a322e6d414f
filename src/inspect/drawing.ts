/**
 * Drawing: what is drawn of a graph, before any notation. A box stands for a node, a resident value or a block of nodes;
 * a row is a rank of the layout: a forward box and all that was derived from it.
 */
import { byteLength, formatType, type Graph, type Node, type Value } from '../ir/graph.ts';
import { formatBytes } from './format-bytes.ts';

const shownTypes = 3;
const shownOfName = 28;

export type BoxKind = 'resident' | 'forward' | 'backward' | 'recompute' | 'update';

export interface Box {
  readonly kind: BoxKind;
  readonly lines: readonly string[];
  /** Shown when the pointer rests on the box. */
  readonly title: string;
  /** Holds an activation that the backward pass reads. */
  readonly kept: boolean;
  /** Index of the forward box that this one stands beside; its own where there is none. */
  readonly row: number;
}

export interface Arrow {
  /** Indices of boxes. */
  readonly from: number;
  readonly to: number;
  /** An `after` edge: order, no data. */
  readonly order: boolean;
}

export interface Drawing {
  readonly title: string;
  readonly boxes: readonly Box[];
  /** Each pair of boxes at most once a kind. */
  readonly arrows: readonly Arrow[];
}

export function boxKind(node: Node): Exclude<BoxKind, 'resident'> {
  return node.recompute === undefined ? node.region : 'recompute';
}

/** Names of forward values that a node outside the forward region reads: what is kept for the backward pass. */
export function keptActivations(graph: Graph): ReadonlySet<string> {
  const made = new Set<string>();
  const kept = new Set<string>();
  for (const node of graph.nodes) {
    if (boxKind(node) === 'forward') for (const result of node.results) made.add(result.name);
    if (node.region === 'forward') continue;
    for (const operand of node.operands) if (made.has(operand.name)) kept.add(operand.name);
  }
  return kept;
}

/**
 * The position of the forward node that each node stands beside: that of its gradient rule, of its original, or of the
 * nearest of its operands' nodes; -1 where there is none.
 */
export function forwardPartners(graph: Graph): Int32Array {
  const positions = new Map(graph.nodes.map((node, position) => [node.name, position]));
  const makers = new Map<string, number>();
  const partners = new Int32Array(graph.nodes.length).fill(-1);
  graph.nodes.forEach((node, position) => {
    for (const result of node.results) makers.set(result.name, position);
    const origin = node.recompute ?? node.gradientOf;
    const known = origin === undefined ? undefined : positions.get(origin);
    if (boxKind(node) === 'forward') partners[position] = position;
    else if (known !== undefined && known < position) partners[position] = partners[known]!;
    if (partners[position]! >= 0) return;
    for (const operand of node.operands) {
      const maker = makers.get(operand.name);
      if (maker !== undefined && maker < position) partners[position] = Math.max(partners[position]!, partners[maker]!);
    }
  });
  return partners;
}

/** One box a node, and one for each input, parameter and state that is read. */
export function drawNodes(graph: Graph): Drawing {
  const boxes: Box[] = [];
  const makers = new Map<string, number>();
  const boxOfNode = new Map<string, number>();
  const readers = new Set(graph.nodes.flatMap((node) => node.operands.map((operand) => operand.name)));
  const addResident = (value: Value, role: string): void => {
    if (!readers.has(value.name)) return;
    makers.set(value.name, boxes.length);
    const lines = [role, shorten(value.name), sizeLine([value])];
    boxes.push({ kind: 'resident', lines, title: value.name, kept: false, row: boxes.length });
  };
  for (const value of graph.inputs) addResident(value, 'input');
  for (const value of graph.parameters) addResident(value, 'parameter');
  for (const value of graph.state) addResident(value, 'state');
  const kept = keptActivations(graph);
  const partners = forwardPartners(graph);
  const firstNode = boxes.length;
  graph.nodes.forEach((node, position) => {
    boxOfNode.set(node.name, boxes.length);
    for (const result of node.results) makers.set(result.name, boxes.length);
    const partner = partners[position]!;
    boxes.push({
      kind: boxKind(node),
      lines: [node.op, shorten(node.name), sizeLine(node.results)],
      title: node.source === undefined ? node.name : `${node.name} (${node.source})`,
      kept: node.results.some((result) => kept.has(result.name)),
      row: partner < 0 ? boxes.length : firstNode + partner,
    });
  });
  const arrows = new ArrowSet();
  for (const node of graph.nodes) {
    const to = boxOfNode.get(node.name)!;
    for (const operand of node.operands) arrows.add(makers.get(operand.name), to, false);
    for (const name of node.after ?? []) arrows.add(boxOfNode.get(name), to, true);
  }
  return { title: graph.name, boxes, arrows: arrows.list };
}

/** Arrows without repetition, in the order they were added. */
export class ArrowSet {
  readonly list: Arrow[] = [];
  private readonly seen = new Set<string>();

  add(from: number | undefined, to: number, order: boolean): void {
    if (from === undefined || from === to) return;
    const key = `${from} ${to} ${order}`;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    this.list.push({ from, to, order });
  }
}

function sizeLine(values: readonly Value[]): string {
  const bytes = values.reduce((sum, value) => sum + byteLength(value.type), 0);
  const types = values.slice(0, shownTypes).map((value) => formatType(value.type));
  if (values.length > shownTypes) types.push(`and ${values.length - shownTypes} more`);
  return `${types.join(' ')}  ${formatBytes(bytes)}`;
}

/** The end of a long name: that is where names of one model differ. */
export function shorten(name: string): string {
  const characters = [...name.replace(/\s+/g, ' ')];
  return characters.length <= shownOfName ? characters.join('') : `...${characters.slice(-(shownOfName - 3)).join('')}`;
}
