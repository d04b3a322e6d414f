/**
 * importOnnx: an ONNX file becomes a graph of the IR. Every fault that can be found without running anything is found
 * here, and all of them are reported together.
 */
import type { GraphProto, NodeProto, ValueInfoProto } from 'onnx-buf';
import { rngInput } from '../../analysis/rng-input.ts';
import { requireBytes, requireOptions } from '../../ir/arguments.ts';
import { type Diagnostic, SublinearError } from '../../ir/diagnostic.ts';
import { globMatcher } from '../../ir/glob.ts';
import { formatType, type Model, type Output, sameShape, type Tensor, type Value } from '../../ir/graph.ts';
import { type DeclaredOutput, keptOutputs, listed } from './asked-outputs.ts';
import { checkNames, operatorChecker } from './check-graph.ts';
import { createContext, type GraphScope } from './context.ts';
import { decodeModel } from './decode.ts';
import { expansionBudget } from './expansion-budget.ts';
import { asDiagnosed, FoldingEmitter } from './folding-emitter.ts';
import { type GradientRequest, gradientRequest, isGradient, namesOfRequest } from './gradient-node.ts';
import { type TypedInput, typeInputs } from './graph-inputs.ts';
import { readInitializers } from './initializers.ts';
import { functionCalls } from './inline-functions.ts';
import { count, lowerNodes } from './lower-nodes.ts';
import { MissingValues } from './missing-values.ts';
import { nodeLabel, nodeSource } from './node-names.ts';
import { separateStatistics, separationNotes, withCopies } from './separate-statistics.ts';
import { sharedParameterNotes } from './shared-parameters.ts';
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
  /**
   * Which of the file's outputs are asked for: one of these that cannot be computed is an error. Others are left out with
   * a note where something they need is not supported; default: all are, as long as one is left.
   */
  readonly asked?: readonly string[] | ((outputs: readonly DeclaredOutput[]) => readonly string[]);
  /** Nodes that functions, branches, loops and recurrent layers may be written out to, all together; default 50,000. */
  readonly expansionLimit?: number;
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
  /** The outputs that the file declares, in order: those that were left out, and gradients, too. */
  readonly declaredOutputs: readonly string[];
  /** Weights that the graph reads, state left out. */
  readonly parameterNames: readonly string[];
  /** Parameters by other names that the file has for them: outputs of `Identity` nodes and the like. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Parameters of slimmed models: the file says only their shape and one number for all elements. */
  readonly placeholders: ReadonlySet<string>;
  /** Backward passes that the file asks for; their outputs are not among `outputNames`. */
  readonly gradients: readonly GradientRequest[];
  /** Name of the seed input (i32[2]: seed and step), which follows the file's inputs, where a node draws numbers. */
  readonly rngInput?: string;
}

/**
 * Outputs that are not asked for are left out, with a note, where something they need is not supported. Throws
 * `SublinearError` with everything that is wrong with the file.
 */
export function importOnnx(bytes: Uint8Array, options: ImportOptions = {}): ImportedModel {
  requireBytes('importOnnx', bytes);
  requireOptions('importOnnx', options);
  const decoded = decodeModel(bytes);
  const { opset } = decoded;
  const separated = separateStatistics(decoded.graph);
  const graph: GraphProto = {
    ...decoded.graph,
    node: [...separated.nodes],
    initializer: withCopies(decoded.graph, separated.copies),
  };
  const diagnostics: Diagnostic[] = [];
  const missing = new MissingValues();
  const initializers = readInitializers(graph, options.directory, diagnostics);
  for (const [name, fault] of initializers.refused) missing.record([name], [fault]);
  const stored = new Set([...graph.initializer.map((proto) => proto.name), ...initializers.refused.keys()]);
  const producer = checkNames(graph, stored, diagnostics);
  const given = options.given ?? new Map<string, Tensor>();
  const { inputs, dims, refused } = typeInputs(
    graph.input.filter(({ name }) => !stored.has(name)),
    options.dims ?? {},
    given,
    diagnostics,
  );
  for (const [name, fault] of refused) missing.record([name], [fault]);
  let sorted: readonly NodeProto[] = [];
  try {
    sorted = sortNodes(graph.node, producer);
  } catch (error) {
    if (!(error instanceof SublinearError)) throw error;
    diagnostics.push(...error.diagnostics);
  }
  const unbound = [...refused.values()].filter(({ code }) => code === 'unbound-dimension');
  if (diagnostics.length > 0) throw new SublinearError([...diagnostics, ...unbound]);

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
  const bindInitializer = (name: string, tensor: Tensor): void => {
    values.set(
      name,
      tensor.type.dtype === 'f32' ? emitter.parameter(name, tensor.type, tensor) : emitter.namedConstant(name, tensor),
    );
  };
  for (const [name, tensor] of initializers.tensors) bindInitializer(name, tensor);

  let rng: Value | undefined;
  let sites = 0;
  const uses = new Map<string, number>();
  count(graph.node, uses, 1);
  for (const { name } of graph.output) uses.set(name, (uses.get(name) ?? 0) + 1);
  const budget = expansionBudget(options.expansionLimit);
  const scope: GraphScope = {
    emitter,
    opset,
    training: options.training,
    uses,
    rng: () => (rng ??= emitter.input(emitter.reserve(rngInput), { dtype: 'i32', shape: [2] })),
    nextSite: () => sites++,
    expand: budget.take,
    remarks: new Map(),
  };
  const placeholders = new Set<string>();
  const fresh = (hint: string): string => emitter.reserve(hint);
  lowerNodes(sorted, {
    ...{ scope, values, missing, uses, budget, stored, bindInitializer, placeholders },
    calls: functionCalls(decoded, budget, fresh),
    operatorFault: operatorChecker(opset),
    directory: options.directory,
    quantized: new Map(initializers.quantized),
  });
  const gradients = requestGradients(sorted, graph, values, missing, scope, diagnostics);
  if (diagnostics.length > 0) throw new SublinearError(diagnostics);

  const notes = [...inputNotes(inputs), ...separationNotes(separated.copies)];
  const requested = new Set(gradients.flatMap((request) => request.outputs));
  const wanted = graph.output.filter(({ name }) => !requested.has(name));
  const kept = keptOutputs(wanted, missing, options.asked, notes);
  const outputs = graphOutputs(kept, values, gradients, notes);
  const model = emitter.finish(outputs);
  const aliases = aliasesOf(values, emitter);
  notes.push(...sharedParameterNotes(model.graph, aliases));
  for (const [about, names] of scope.remarks) notes.push({ code: 'remark', message: `${listed(names)}: ${about}` });
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
    declaredOutputs: graph.output.map(({ name }) => name),
    parameterNames: model.graph.parameters.map((value) => value.name),
    aliases,
    placeholders,
    gradients,
    ...(rng !== undefined && { rngInput: rng.name }),
  };
}

function aliasesOf(values: ReadonlyMap<string, Value>, emitter: FoldingEmitter): ReadonlyMap<string, string> {
  const renamed = [...values].filter(([name, value]) => name !== value.name && emitter.isParameter(value));
  return new Map(renamed.map(([name, value]) => [name, value.name]));
}

/** What the file's Gradient nodes ask for; they may stand before the value they differentiate. */
function requestGradients(
  nodes: readonly NodeProto[],
  graph: GraphProto,
  values: ReadonlyMap<string, Value>,
  missing: MissingValues,
  scope: GraphScope,
  diagnostics: Diagnostic[],
): readonly GradientRequest[] {
  const outputs = new Set(graph.output.map(({ name }) => name));
  return nodes.filter(isGradient).flatMap((node) => {
    const faults = missing.faultsOf(namesOfRequest(node));
    if (faults.length > 0) {
      diagnostics.push(...faults.filter((fault) => !diagnostics.includes(fault)));
      return [];
    }
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

function inputNotes(inputs: readonly TypedInput[]): Diagnostic[] {
  return inputs
    .filter((input) => input.convertedFrom !== undefined)
    .map((input) => ({
      code: 'converted-dtype',
      message: `input ${JSON.stringify(input.name)} is ${input.convertedFrom} in the file and f32 here`,
    }));
}

/** `declared`, each once; losses of gradients join them where they do not leave anyway. */
function graphOutputs(
  declared: readonly ValueInfoProto[],
  values: ReadonlyMap<string, Value>,
  gradients: readonly GradientRequest[],
  notes: Diagnostic[],
): readonly Output[] {
  const outputs: Output[] = [];
  const seen = new Set<string>();
  for (const { name, type } of declared) {
    if (seen.has(name)) continue;
    seen.add(name);
    const value = values.get(name)!;
    outputs.push({ name, value: value.name });
    const dim = type?.value.case === 'tensorType' ? type.value.value.shape?.dim : undefined;
    const extents = dim?.map(({ value: extent }) => (extent.case === 'dimValue' ? Number(extent.value) : -1));
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
