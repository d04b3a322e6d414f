/**
 * Graphs within nodes: the branches of an `If`, the bodies of loops. They read values of the graphs around them by name.
 * Functions here recurse by depth of nesting, which decoding limits.
 */
import { create } from '@bufbuild/protobuf';
import { type AttributeProto, AttributeProtoSchema, type GraphProto, GraphProtoSchema, type NodeProto } from 'onnx-buf';

function subgraphsOf(node: NodeProto): readonly GraphProto[] {
  return node.attribute.flatMap(({ g, graphs }) => (g === undefined ? graphs : [g, ...graphs]));
}

/** Names that `node` reads of the graph it stands in: its operands, and what graphs within it take from outside. */
export function namesRead(node: NodeProto): readonly string[] {
  const inner = subgraphsOf(node);
  return inner.length === 0 ? node.input : [...node.input, ...inner.flatMap((graph) => [...capturedNames(graph)])];
}

/** Names that a graph within a node reads and does not make. */
export function capturedNames(graph: GraphProto): ReadonlySet<string> {
  const own = namesMade(graph);
  const captured = new Set<string>();
  const read = (name: string): void => {
    if (name !== '' && !own.has(name)) captured.add(name);
  };
  for (const node of graph.node) for (const name of namesRead(node)) read(name);
  for (const { name } of graph.output) read(name);
  return captured;
}

function namesMade(graph: GraphProto): ReadonlySet<string> {
  const names = new Set([...graph.input, ...graph.initializer].map(({ name }) => name));
  for (const node of graph.node) for (const name of node.output) names.add(name);
  return names;
}

/** What a node is written out with in another place. */
export interface Rewriting {
  /** The name there of a value; the empty name is never asked for. */
  rename(name: string): string;
  /** What stands there for an attribute; none where it is left out. */
  bind(attribute: AttributeProto): readonly AttributeProto[];
}

/** Operands and results under their new names, and attributes bound, in graphs within the node too. */
export function rewritten(
  node: NodeProto,
  { rename, bind }: Rewriting,
): Pick<NodeProto, 'input' | 'output' | 'attribute'> {
  const renamed = (name: string): string => (name === '' ? '' : rename(name));
  return {
    input: node.input.map(renamed),
    output: node.output.map(renamed),
    attribute: node.attribute.flatMap(bind).map((attribute) => {
      const { g, graphs } = attribute;
      if (g === undefined && graphs.length === 0) return attribute;
      return create(AttributeProtoSchema, {
        ...attribute,
        ...(g !== undefined && { g: rewrittenGraph(g, { rename, bind }) }),
        graphs: graphs.map((graph) => rewrittenGraph(graph, { rename, bind })),
      });
    }),
  };
}

/** The graph's own names stay, but where a name that comes in from outside is one of them. */
function rewrittenGraph(graph: GraphProto, { rename, bind }: Rewriting): GraphProto {
  const incoming = new Map([...capturedNames(graph)].map((name) => [name, rename(name)]));
  const taken = new Set(incoming.values());
  const names = new Map(incoming);
  for (const name of namesMade(graph)) {
    let own = name;
    while (taken.has(own)) own += "'";
    names.set(name, own);
  }
  const renamed = (name: string): string => names.get(name) ?? name;
  return create(GraphProtoSchema, {
    ...graph,
    input: graph.input.map((value) => ({ ...value, name: renamed(value.name) })),
    initializer: graph.initializer.map((tensor) => ({ ...tensor, name: renamed(tensor.name) })),
    node: graph.node.map((node) => ({ ...node, ...rewritten(node, { rename: renamed, bind }) })),
    output: graph.output.map((value) => ({ ...value, name: renamed(value.name) })),
  });
}
