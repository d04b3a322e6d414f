/** The weights and constants stored in an ONNX graph, decoded, external ones read. */
import type { GraphProto } from 'onnx-buf';
import { type Diagnostic, SublinearError } from '../../ir/diagnostic.ts';
import type { Tensor } from '../../ir/graph.ts';
import { tensorOf } from '../tensor-proto.ts';
import { isUnsupported } from './check-graph.ts';
import { isExternal, readExternalData } from './external-data.ts';
import { isQuantizedType, quantizedElements } from './quantized-elements.ts';

export interface Initializers {
  /** By name, in file order. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Those of a type that is not supported, and why: a fault only of what reads them. */
  readonly refused: ReadonlyMap<string, Diagnostic>;
  /** Those of `refused` that are of a type of quantized weights. */
  readonly quantized: ReadonlyMap<string, Tensor>;
}

/** What else is wrong is added to `diagnostics`, and its tensor left out. */
export function readInitializers(
  graph: GraphProto,
  directory: string | undefined,
  diagnostics: Diagnostic[],
): Initializers {
  const tensors = new Map<string, Tensor>();
  const refused = new Map<string, Diagnostic>();
  const quantized = new Map<string, Tensor>();
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
      const external = isExternal(proto) ? readExternalData(proto, directory) : undefined;
      if (isQuantizedType(proto.dataType)) quantized.set(proto.name, quantizedElements(proto, external));
      tensors.set(proto.name, tensorOf(proto, external));
    } catch (error) {
      if (!(error instanceof SublinearError)) throw error;
      const [first] = error.diagnostics;
      if (first !== undefined && isUnsupported(first)) refused.set(proto.name, first);
      else diagnostics.push(...error.diagnostics);
    }
  }
  for (const sparse of graph.sparseInitializer)
    refused.set(sparse.values?.name ?? '', {
      code: 'unsupported-type',
      message: `initializer ${JSON.stringify(sparse.values?.name ?? '')} is a sparse tensor`,
      hint: 'store it as a dense tensor',
    });
  return { tensors, refused, quantized };
}
