/** The weights and constants stored in an ONNX graph, decoded, external ones read. */
import type { GraphProto } from 'onnx-buf';
import { type Diagnostic, SublinearError } from '../../ir/diagnostic.ts';
import type { Tensor } from '../../ir/graph.ts';
import { tensorOf } from '../tensor-proto.ts';
import { isExternal, readExternalData } from './external-data.ts';

/** Initializers by name, in file order. What is wrong is added to `diagnostics`, and its tensor left out. */
export function readInitializers(
  graph: GraphProto,
  directory: string | undefined,
  diagnostics: Diagnostic[],
): ReadonlyMap<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  const seen = new Set<string>();
  for (const proto of graph.initializer) {
    if (seen.has(proto.name)) {
      diagnostics.push({
        code: 'duplicate-name',
        message: `two initializers are called ${JSON.stringify(proto.name)}`,
      });
      continue;
    }
    seen.add(proto.name);
    try {
      tensors.set(proto.name, tensorOf(proto, isExternal(proto) ? readExternalData(proto, directory) : undefined));
    } catch (error) {
      if (!(error instanceof SublinearError)) throw error;
      diagnostics.push(...error.diagnostics);
    }
  }
  for (const sparse of graph.sparseInitializer)
    diagnostics.push({
      code: 'unsupported-type',
      message: `initializer ${JSON.stringify(sparse.values?.name ?? '')} is a sparse tensor`,
      hint: 'store it as a dense tensor',
    });
  return tensors;
}
