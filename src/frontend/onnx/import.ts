/**
 * importOnnx: an ONNX file becomes a graph of the IR. Every fault that can be found without running anything is found
 * here, and all of them are reported together.
 */
import type { GraphProto, NodeProto } from 'onnx-buf';
import { rngInput } from '../../analysis/rng-input.ts';
import { type Diagnostic, SublinearError } from '../../ir/diagnostic.ts';
import { globMatcher } from '../../ir/glob.ts';
import { formatType, type Model, type Output, sameShape, type Tensor, type Value } from '../../ir/graph.ts';
import { checkNames, checkOperators } from './check-graph.ts';
import { createContext, type GraphScope } from './context.ts';
import { decodeModel } from './decode.ts';
import { asDiagnosed, FoldingEmitter } from './folding-emitter.ts';
import { type GradientRequest, gradientRequest, isGradient } from './gradient-node.ts';
import { type TypedInput, typeInputs } from './graph-inputs.ts';
import { readInitializers } from './initializers.ts';
import { inlineFunctions } from './inline-functions.ts';
import { nodeLabel, nodeSource, operatorKey } from './node-names.ts';
import { lowerings } from './operators.ts';
import { slimmedWeight } from './slimmed-weight.ts';
import { sortNodes } from './sort.ts';

export interface ImportOptions {
  /** Extents of symbolic dimensions, by name. */
  readonly dims?: Readonly<Record<string, number>>;
  /** Where files of external data lie. */
  readonly directory?: string;
  /** Globs over names of graph inputs that are weights. */
  readonly params?: readonly string[];
  /** Batch normalization and dropout as in training (true) or inference (false); default: as the file says. */
  readonly training?: boolean;
  /** Name of the graph; default: its name in the file. */
  readonly name?: string;
  /**
   * Contents of graph inputs. They bind the symbolic extents that `dims` leaves open, and stand in where a shape, an
   * axis or a size must be known before the step runs; the inputs stay inputs.
   */
  readonly given?: ReadonlyMap<string, Tensor>;
}

export interface ImportedModel {
  readonly model: Model;
  /** What a user may want to know: types widened, inputs whose contents were relied on. */
  readonly notes: readonly Diagnostic[];
  readonly opset: number;
  /** Bindings of the symbolic dimensions. */
  readonly dims: ReadonlyMap<string, number>;
  /** Graph inputs of the file that are fed each step, in order. */
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Weights that the graph reads, state left out. */
  readonly parameterNames: readonly string[];
  /** Parameters of slimmed models: the file says only their shape and one number for all elements. */
  readonly placeholders: ReadonlySet<string>;
  /** Backward passes that the file asks for; their outputs are not among `outputNames`. */
  readonly gradients: readonly GradientRequest[];
  /** Name of the seed input (i32[2]: seed and step), which follows the file's inputs, where a node draws numbers. */
  readonly rngInput?: string;
}

/** Throws `SublinearError` with everything that is wrong with the file. */
export function importOnnx(bytes: Uint8Array, options: ImportOptions = {}): ImportedModel {
  const decoded = decodeModel(bytes);
  const { opset } = decoded;
  const diagnostics: Diagnostic[] = [];
  const graph: GraphProto = { ...decoded.graph, node: [...inlineFunctions(decoded, diagnostics)] };
  const initializers = readInitializers(graph, options.directory, diagnostics);
  checkOperators(graph.node, opset, diagnostics);
  const producer = checkNames(graph, initializers, diagnostics);
  const stored = new Set(graph.initializer.map((proto) => proto.name));
  const given = options.given ?? new Map<string, Tensor>();
  const { inputs, dims } = typeInputs(
    graph.input.filter(({ name }) => !stored.has(name)),
    options.dims ?? {},
    given,
    diagnostics,
  );
  let sorted: readonly NodeProto[] = [];
  try {
    sorted = sortNodes(graph.node, producer);
  } catch (error) {
    if (!(error instanceof SublinearError)) throw error;
    diagnostics.push(...error.diagnostics);
  }
  if (diagnostics.length > 0) throw new SublinearError(diagnostics);

  const emitter = new FoldingEmitter(options.name ?? (graph.name === '' ? 'model' : graph.name));
  for (const name of [...inputs.map((input) => input.name), ...stored, ...producer.keys()]) emitter.reserve(name);
  const values = new Map<string, Value>();
  const isWeight = globMatcher(options.params ?? []);
  const inputNames: string[] = [];
  for (const { name, type } of inputs) {
    const weight = type.dtype === 'f32' && isWeight(name);
    if (!weight) inputNames.push(name);
    values.set(name, weight ? emitter.parameter(name, type) : emitter.input(name, type, given.get(name)));
  }
  for (const [name, tensor] of initializers)
    values.set(
      name,
      tensor.type.dtype === 'f32'
        ? emitter.parameter(name, tensor.type, tensor.data)
        : emitter.namedConstant(name, tensor),
    );

  let rng: Value | undefined;
  let sites = 0;
  const scope: GraphScope = {
    emitter,
    opset,
    training: options.training,
    uses: countUses(graph),
    rng: () => (rng ??= emitter.input(emitter.reserve(rngInput), { dtype: 'i32', shape: [2] })),
    nextSite: () => sites++,
  };
  const placeholders = new Set<string>();
  for (const node of sorted) {
    if (isGradient(node)) continue;
    const weight = slimmedWeight(node, stored, values, emitter);
    if (weight === undefined) lowerNode(node, values, scope, diagnostics);
    else {
      values.set(weight.name, weight);
      placeholders.add(weight.name);
    }
  }
  const gradients = requestGradients(sorted, graph, values, scope, diagnostics);
  if (diagnostics.length > 0) throw new SublinearError(diagnostics);

  const notes = inputNotes(inputs);
  const outputs = graphOutputs(graph, values, gradients, notes);
  const model = emitter.finish(outputs);
  for (const name of emitter.specializations)
    notes.push({
      code: 'specialized-input',
      message: `the contents of input ${JSON.stringify(name)} shaped the graph; it is right for no others`,
    });
  return {
    model,
    notes,
    opset,
    dims,
    inputNames,
    outputNames: outputs.map((output) => output.name),
    parameterNames: model.graph.parameters.map((value) => value.name),
    placeholders,
    gradients,
    ...(rng !== undefined && { rngInput: rng.name }),
  };
}

/**
 * Adds the node's outputs to `values`. After a fault its outputs stay absent, and the nodes that need them are passed
 * over, so that one fault is reported once.
 */
function lowerNode(node: NodeProto, values: Map<string, Value>, scope: GraphScope, diagnostics: Diagnostic[]): void {
  if (node.input.some((name) => name !== '' && !values.has(name))) return;
  const source = nodeSource(node);
  const { emitter } = scope;
  emitter.open(nodeLabel(node), source);
  try {
    const operands = node.input.map((name) => (name === '' ? undefined : values.get(name)));
    const results = lowerings.get(operatorKey(node))!.lower(createContext(node, operands, scope));
    emitter.close(results, node.output).forEach((value, i) => {
      const name = node.output[i];
      if (name !== undefined && name !== '') values.set(name, value);
    });
    const absent = node.output.findIndex((name) => name !== '' && (scope.uses.get(name) ?? 0) > 0 && !values.has(name));
    if (absent >= 0)
      diagnostics.push({
        code: 'unsupported',
        message: `${node.opType} (opset ${scope.opset}): output ${absent} is not supported`,
        source,
      });
  } catch (error) {
    emitter.abandon();
    diagnostics.push(...asDiagnosed(error, source).diagnostics);
  }
}

/** What the file's Gradient nodes ask for; they may stand before the value they differentiate. */
function requestGradients(
  nodes: readonly NodeProto[],
  graph: GraphProto,
  values: ReadonlyMap<string, Value>,
  scope: GraphScope,
  diagnostics: Diagnostic[],
): readonly GradientRequest[] {
  const outputs = new Set(graph.output.map(({ name }) => name));
  return nodes.filter(isGradient).flatMap((node) => {
    scope.emitter.open(nodeLabel(node), nodeSource(node));
    try {
      const operands = node.input.map((name) => values.get(name));
      return [gradientRequest(createContext(node, operands, scope), node, (name) => values.get(name), outputs)];
    } catch (error) {
      diagnostics.push(...asDiagnosed(error, nodeSource(node)).diagnostics);
      return [];
    }
  });
}

function countUses(graph: GraphProto): ReadonlyMap<string, number> {
  const uses = new Map<string, number>();
  const count = (name: string): void => {
    if (name !== '') uses.set(name, (uses.get(name) ?? 0) + 1);
  };
  for (const node of graph.node) for (const name of node.input) count(name);
  for (const { name } of graph.output) count(name);
  return uses;
}

function inputNotes(inputs: readonly TypedInput[]): Diagnostic[] {
  return inputs
    .filter((input) => input.convertedFrom !== undefined)
    .map((input) => ({
      code: 'converted-dtype',
      message: `input ${JSON.stringify(input.name)} is ${input.convertedFrom} in the file and f32 here`,
    }));
}

/** The outputs of the file but gradients; losses of gradients join them where they do not leave anyway. */
function graphOutputs(
  graph: GraphProto,
  values: ReadonlyMap<string, Value>,
  gradients: readonly GradientRequest[],
  notes: Diagnostic[],
): readonly Output[] {
  const requested = new Set(gradients.flatMap((request) => request.outputs));
  const outputs: Output[] = [];
  const seen = new Set<string>();
  for (const { name, type } of graph.output) {
    if (seen.has(name) || requested.has(name)) continue;
    seen.add(name);
    const value = values.get(name)!;
    outputs.push({ name, value: value.name });
    const declared = type?.value.case === 'tensorType' ? type.value.value.shape?.dim : undefined;
    const extents = declared?.map(({ value: dim }) => (dim.case === 'dimValue' ? Number(dim.value) : -1));
    if (extents === undefined || extents.some((extent) => extent < 0)) continue;
    if (!sameShape(extents, value.type.shape))
      notes.push({
        code: 'output-shape',
        message: `output ${JSON.stringify(name)} is declared with the shape [${extents.join(',')}] and is ${formatType(value.type)}`,
      });
  }
  for (const { loss } of gradients)
    if (!outputs.some((output) => output.value === loss)) outputs.push({ name: loss, value: loss });
  return outputs;
}
