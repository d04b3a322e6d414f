/**
 * canonicalize: rewrites what exporters write to the leaner op it means, or to the one that stays finite. Fewer values
 * live between nodes, and gradients read less. It runs on the forward graph; a rewritten node keeps the name of the last
 * node of its pattern.
 *
 *   %h = matmul %x, %w              ->   (nothing)
 *   %y = add %h, %b                 ->   %y = matmul %x, %w, %b
 *
 * Each rewrite is a named rule (rewrite-rule.ts) of canonicalize-rules.ts, tried at the last node of its pattern.
 */
import type { Attributes, Model, Node, TensorType, Value } from '../src/ir/graph.ts';
import { residents } from '../src/ir/graph.ts';
import type { Op } from '../src/ir/op.ts';
import { rules } from './canonicalize-rules.ts';
import { eliminateDeadCode } from './dead-code.ts';
import type { Matcher } from './rewrite-rule.ts';
import { slicesToSplits } from './slices-to-splits.ts';

/** An equal model, seldom of more nodes (a finite logarithm may take two); the same object where no rule applies. */
export function canonicalize(model: Model): Model {
  const { graph } = model;
  const source = slicesToSplits(graph.nodes);
  const producers = new Map<string, Node>();
  const uses = new Map<string, number>();
  const constants = new Set(graph.constants.map((value) => value.name));
  const taken = new Set(residents(graph).map((value) => value.name));
  const count = (name: string): void => {
    uses.set(name, (uses.get(name) ?? 0) + 1);
  };
  for (const node of source) {
    for (const operand of node.operands) count(operand.name);
    for (const result of node.results) taken.add(result.name);
  }
  for (const output of graph.outputs) count(output.value);

  const nodes: Node[] = [];
  let changed = source !== graph.nodes;
  const push = (node: Node): void => {
    nodes.push(node);
    for (const result of node.results) producers.set(result.name, node);
  };
  const uniqueName = (hint: string): string => {
    let name = hint;
    for (let i = 1; taken.has(name); i++) name = `${hint}.${i}`;
    taken.add(name);
    return name;
  };
  for (const node of source) {
    const matcher: Matcher = {
      producer: (value, op) => {
        const found = producers.get(value.name);
        return found?.op === op.name ? found : undefined;
      },
      isOnlyUse: (value) => uses.get(value.name) === 1,
      number: (value) => {
        const data = constants.has(value.name) ? model.weights.get(value.name)?.data : undefined;
        return data?.length === 1 ? data[0] : undefined;
      },
      emit: (op, operands, attributes) => {
        const types = typesOf(op, operands, attributes);
        const base = uniqueName(`${node.name}/${op.name}`);
        const results = types.map((type, i): Value => ({ name: i === 0 ? base : uniqueName(`${base}#${i}`), type }));
        push(made(node, op, operands, attributes, results));
        return results[0]!;
      },
    };
    const rewritten = node.region === 'forward' ? firstRewrite(node, matcher) : undefined;
    if (rewritten === undefined) {
      push(node);
      continue;
    }
    changed = true;
    const { op, operands, attributes } = rewritten;
    const extra = typesOf(op, operands, attributes)
      .slice(node.results.length)
      .map((type, i): Value => ({ name: uniqueName(`${node.name}#${i + 1}`), type }));
    push(made(node, op, operands, attributes, [...node.results, ...extra]));
  }
  return changed ? eliminateDeadCode({ graph: { ...graph, nodes }, weights: model.weights }) : model;
}

function firstRewrite(node: Node, matcher: Matcher) {
  for (const rule of rules) {
    if (rule.last.name !== node.op) continue;
    const rewritten = rule.rewrite(node, matcher);
    if (rewritten !== undefined) return rewritten;
  }
  return undefined;
}

function typesOf(op: Op, operands: readonly Value[], attributes: Attributes): readonly TensorType[] {
  return op.infer(
    operands.map((operand) => operand.type),
    attributes,
  );
}

/** A node in the place of `at`, with its source. */
function made(at: Node, op: Op, operands: readonly Value[], attributes: Attributes, results: readonly Value[]): Node {
  return {
    name: results[0]!.name,
    op: op.name,
    operands,
    attributes,
    results,
    region: at.region,
    ...(at.source !== undefined && { source: at.source }),
    ...(at.after !== undefined && { after: at.after }),
  };
}
