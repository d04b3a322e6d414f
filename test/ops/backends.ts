/** Runs single ops by the plain kernels and by the WebAssembly ones. */
import { viewMemory } from '../../runtime/memory.ts';
import { createWasmKernels } from '../../runtime/wasm-backend.ts';
import type { Attributes, Node, Tensor } from '../../src/ir/graph.ts';
import type { Op } from '../../src/ir/op.ts';
import { evaluate } from '../../src/ops/evaluate.ts';
import { opNamed } from '../../src/ops/table.ts';
import { deriveGradient } from '../op-check.ts';

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
const view = viewMemory(memory.buffer);
const kernels = createWasmKernels(memory);

/** The op with the kernels of the module in place of their plain twins, where it has them. */
function throughWasm<A extends Attributes>(op: Op<A>): Op<A> {
  return {
    ...op,
    lower: (application, at) =>
      op.lower(application, at).map((call) => ({ ...call, kernel: kernels.get(call.kernel.name) ?? call.kernel })),
  };
}

export interface Backend {
  readonly name: string;
  run<A extends Attributes>(op: Op<A>, operands: readonly Tensor[], attributes: A): readonly Tensor[];
}

export const backends: readonly Backend[] = [
  { name: 'plain', run: (op, operands, attributes) => evaluate(op, operands, attributes) },
  {
    name: 'WebAssembly',
    run: (op, operands, attributes) =>
      evaluate(throughWasm(op), operands, attributes, (bytes) => {
        view.u8.fill(0, 0, bytes);
        return view;
      }),
  },
];

/** Runs nodes in order; `values` holds what they read by name, and is added to. */
export function runNodes(backend: Backend, nodes: readonly Node[], values: Map<string, Tensor>): void {
  for (const node of nodes) {
    const operands = node.operands.map((operand) => values.get(operand.name)!);
    const results = backend.run(opNamed(node.op), operands, node.attributes);
    node.results.forEach((result, i) => {
      values.set(result.name, results[i]!);
    });
  }
}

/** Gradients of one application by operand, for given operands and one cotangent for each float result. */
export function gradientsOn(
  backend: Backend,
  op: Op,
  operands: readonly Tensor[],
  attributes: Attributes,
  cotangent: (result: Tensor) => Tensor,
): readonly (Tensor | undefined)[] {
  const graph = deriveGradient(op, { operands: operands.map(({ type }) => type), attributes });
  const values = new Map(graph.constants);
  graph.operands.forEach((value, i) => {
    values.set(value.name, operands[i]!);
  });
  backend.run(op, operands, attributes).forEach((result, i) => {
    values.set(graph.results[i]!.name, result);
    const given = graph.cotangents[i];
    if (given !== undefined) values.set(given.name, cotangent(result));
  });
  runNodes(backend, graph.nodes, values);
  return graph.gradients.map((value) => (value === undefined ? undefined : values.get(value.name)));
}
