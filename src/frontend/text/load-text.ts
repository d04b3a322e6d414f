/** The text form as a front end: a graph's text and, from beside it, the numbers of its weights. */
import { type Diagnostic, SublinearError } from '../../ir/diagnostic.ts';
import { elementCount, formatType, type Model, sameType, type Tensor } from '../../ir/graph.ts';
import { parseGraph } from '../../ir/parse.ts';
import { formatValueName } from '../../ir/text-names.ts';

export interface LoadTextOptions {
  /** For messages; default `graph.ir`. */
  readonly fileName?: string;
  /** Tensors by name, of the safetensors file beside the text. Those the graph has no use for are left out. */
  readonly weights?: ReadonlyMap<string, Tensor>;
}

/**
 * The model of a text. Values may lack numbers: planning needs none, and a run says which it misses.
 * Throws `SublinearError`: text that does not parse, tensors of another type than the graph's.
 */
export function loadText(text: string, options: LoadTextOptions = {}): Model {
  const fileName = options.fileName ?? 'graph.ir';
  const graph = parseGraph(text, fileName);
  const weights = new Map<string, Tensor>();
  const diagnostics: Diagnostic[] = [];
  for (const value of [...graph.parameters, ...graph.state, ...graph.constants]) {
    const tensor = options.weights?.get(value.name);
    if (tensor === undefined) continue;
    if (sameType(tensor.type, value.type) && tensor.data.length === elementCount(value.type.shape))
      weights.set(value.name, tensor);
    else
      diagnostics.push({
        code: 'weight-type',
        message: `${formatValueName(value.name)} is ${formatType(value.type)}, but the weights beside ${fileName} have it as ${formatType(tensor.type)}`,
      });
  }
  if (diagnostics.length > 0) throw new SublinearError(diagnostics);
  return { graph, weights };
}
