/**
 * Draws a graph that is too large to lay out node by node: forward nodes are joined to blocks, and backward,
 * recomputed and update nodes to blocks beside those of the forward nodes they belong to.
 *
 * Blocks are runs of forward nodes in source order: those that share the leading parts of their names
 * (`/encoder/layer.3/...`), as deep as the number of blocks allows; or runs of equal length where names have no parts.
 */
import { byteLength, type Graph, type Node } from '../ir/graph.ts';
import { ArrowSet, type Box, boxKind, type Drawing, forwardPartners, keptActivations, shorten } from './drawing.ts';
import { formatBytes } from './format-bytes.ts';

const maximumBlocks = 150;
/** Fewer runs of equal prefix than this tell too little of a large graph. */
const minimumBlocks = 8;
/** Deepest name prefix tried. */
const maximumDepth = 12;

interface Run {
  readonly label: string;
  /** A range of the forward nodes, counted in source order. */
  readonly start: number;
  readonly end: number;
}

export function drawBlocks(graph: Graph): Drawing {
  const forward = graph.nodes.flatMap((node, position) => (boxKind(node) === 'forward' ? [position] : []));
  const runs = chooseRuns(graph, forward);
  const runOfPosition = new Int32Array(graph.nodes.length).fill(-1);
  runs.forEach((run, index) => {
    for (const position of forward.slice(run.start, run.end)) runOfPosition[position] = index;
  });
  const partners = forwardPartners(graph);
  const kept = keptActivations(graph);
  // A block is a run and a kind; blocks are numbered as their first nodes come.
  const blockOfNode = new Int32Array(graph.nodes.length);
  const blocks = new Map<string, number>();
  const members: Node[][] = [];
  const runOfBlock: number[] = [];
  graph.nodes.forEach((node, position) => {
    const partner = partners[position]!;
    const run = partner < 0 ? -1 : runOfPosition[partner]!;
    const key = `${boxKind(node)} ${run}`;
    let block = blocks.get(key);
    if (block === undefined) {
      block = members.length;
      blocks.set(key, block);
      members.push([]);
      runOfBlock.push(run);
    }
    members[block]!.push(node);
    blockOfNode[position] = block;
  });
  const boxes = members.map((nodes, block): Box => {
    const run = runOfBlock[block]!;
    return blockBox(nodes, run < 0 ? undefined : runs[run]!, blocks.get(`forward ${run}`) ?? block, kept);
  });
  return { title: graph.name, boxes, arrows: blockArrows(graph, blockOfNode) };
}

function blockBox(nodes: readonly Node[], run: Run | undefined, row: number, kept: ReadonlySet<string>): Box {
  let bytes = 0;
  let keptBytes = 0;
  for (const node of nodes)
    for (const result of node.results) {
      bytes += byteLength(result.type);
      if (kept.has(result.name)) keptBytes += byteLength(result.type);
    }
  const first = nodes[0]!.name;
  const last = nodes.at(-1)!.name;
  const keptLine = keptBytes > 0 ? [`kept ${formatBytes(keptBytes)}`] : [];
  return {
    kind: boxKind(nodes[0]!),
    lines: [
      shorten(run?.label ?? first),
      `${nodes.length} node${nodes.length === 1 ? '' : 's'}  ${formatBytes(bytes)}`,
      ...keptLine,
    ],
    title: first === last ? first : `${first} to ${last}`,
    kept: keptBytes > 0,
    row,
  };
}

function blockArrows(graph: Graph, blockOfNode: Int32Array): Drawing['arrows'] {
  const makers = new Map<string, number>();
  const positions = new Map(graph.nodes.map((node, position) => [node.name, position]));
  graph.nodes.forEach((node, position) => {
    for (const result of node.results) makers.set(result.name, position);
  });
  const arrows = new ArrowSet();
  graph.nodes.forEach((node, position) => {
    const to = blockOfNode[position]!;
    for (const operand of node.operands) {
      const maker = makers.get(operand.name);
      if (maker !== undefined) arrows.add(blockOfNode[maker], to, false);
    }
    // Order edges between blocks already joined by data say nothing.
    for (const name of node.after ?? []) {
      const before = positions.get(name);
      if (before !== undefined && boxKind(graph.nodes[before]!) !== boxKind(node))
        arrows.add(blockOfNode[before], to, true);
    }
  });
  return arrows.list;
}

function chooseRuns(graph: Graph, forward: readonly number[]): readonly Run[] {
  const names = forward.map((position) => graph.nodes[position]!.name);
  const paths = names.map((name) => name.split(/[/.:]+/).filter((part) => part !== ''));
  let best: readonly Run[] = [];
  for (let depth = 1; depth <= maximumDepth; depth++) {
    const runs = runsOfPrefix(paths, depth);
    if (runs.length > maximumBlocks) break;
    if (runs.length === best.length && depth > 1) continue;
    best = runs;
  }
  return best.length >= minimumBlocks ? best : runsOfLength(names);
}

function runsOfPrefix(paths: readonly (readonly string[])[], depth: number): readonly Run[] {
  const runs: Run[] = [];
  let start = 0;
  const prefixes = paths.map((path) => path.slice(0, depth).join('/'));
  for (let i = 1; i <= prefixes.length; i++) {
    if (i < prefixes.length && prefixes[i] === prefixes[start]) continue;
    runs.push({ label: prefixes[start]!, start, end: i });
    start = i;
  }
  return runs;
}

function runsOfLength(names: readonly string[]): readonly Run[] {
  const length = Math.max(1, Math.ceil(names.length / maximumBlocks));
  const runs: Run[] = [];
  for (let start = 0; start < names.length; start += length)
    runs.push({ label: names[start]!, start, end: Math.min(names.length, start + length) });
  return runs;
}
