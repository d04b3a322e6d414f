/** Functions that a model brings along (exporters wrap layers in them) are written out where they are called. */
import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  type NodeProto,
  NodeProtoSchema,
} from 'onnx-buf';
import type { Diagnostic } from '../../ir/diagnostic.ts';
import type { DecodedModel } from './decode.ts';
import { nodeLabel, nodeSource } from './node-names.ts';

interface Call {
  readonly node: NodeProto;
  /** Functions this call is inside of. */
  readonly within: readonly string[];
}

/**
 * The nodes of the graph, with every call of a function of the model replaced by its body. Inner values are called
 * `CALL/NAME`. What cannot be written out is added to `diagnostics`.
 */
export function inlineFunctions(
  { graph, opset, proto }: DecodedModel,
  diagnostics: Diagnostic[],
): readonly NodeProto[] {
  if (proto.functions.length === 0) return graph.node;
  const functions = new Map(proto.functions.map((body) => [keyOf(body.domain, body.name, body.overload), body]));
  const taken = new Set(graph.input.map((value) => value.name));
  for (const { name } of graph.initializer) taken.add(name);
  for (const node of graph.node) for (const name of node.output) taken.add(name);
  const nodes: NodeProto[] = [];
  const pending: Call[] = graph.node.map((node) => ({ node, within: [] })).reverse();
  for (let call = pending.pop(); call !== undefined; call = pending.pop()) {
    const { node, within } = call;
    const key = keyOf(node.domain, node.opType, node.overload);
    const body = functions.get(key);
    if (body === undefined) {
      nodes.push(node);
      continue;
    }
    const fault = faultOf(body, opset, within.includes(key));
    if (fault !== undefined) {
      diagnostics.push({ code: 'unsupported', message: `function ${body.name}: ${fault}`, source: nodeSource(node) });
      continue;
    }
    const inner = writtenOut(node, body, taken);
    for (let i = inner.length - 1; i >= 0; i--) pending.push({ node: inner[i]!, within: [...within, key] });
  }
  return nodes;
}

function keyOf(domain: string, name: string, overload: string): string {
  return JSON.stringify([domain === 'ai.onnx' ? '' : domain, name, overload]);
}

function faultOf(body: FunctionProto, opset: number, recursive: boolean): string | undefined {
  if (recursive) return 'it calls itself';
  const version = body.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version;
  return version === undefined || Number(version) === opset
    ? undefined
    : `it is written for opset ${version}, and the model uses opset ${opset}`;
}

/** The body's nodes with the names and attributes of one call. */
function writtenOut(call: NodeProto, body: FunctionProto, taken: Set<string>): readonly NodeProto[] {
  const label = nodeLabel(call);
  const names = new Map<string, string>([['', '']]);
  const fresh = (hint: string): string => {
    let name = `${label}/${hint}`;
    for (let i = 1; taken.has(name); i++) name = `${label}/${hint}.${i}`;
    taken.add(name);
    return name;
  };
  body.input.forEach((name, i) => {
    names.set(name, call.input[i] ?? '');
  });
  const passed: NodeProto[] = [];
  body.output.forEach((name, i) => {
    const outer = call.output[i];
    if (outer === undefined || outer === '') return;
    // An input that is handed on as an output keeps the caller's name for it.
    if (names.has(name))
      passed.push(create(NodeProtoSchema, { opType: 'Identity', input: [names.get(name)!], output: [outer] }));
    else names.set(name, outer);
  });
  const rename = (name: string): string => {
    const known = names.get(name);
    if (known !== undefined) return known;
    const given = fresh(name);
    names.set(name, given);
    return given;
  };
  const nodes = body.node.map((node) =>
    create(NodeProtoSchema, {
      name: `${label}/${node.name === '' ? node.opType : node.name}`,
      opType: node.opType,
      domain: node.domain,
      overload: node.overload,
      input: node.input.map(rename),
      output: node.output.map(rename),
      attribute: node.attribute.flatMap((attribute) => boundAttribute(attribute, call, body)),
    }),
  );
  return [...nodes, ...passed];
}

/** An attribute that refers to one of the call has its value, or the function's default, or is left out. */
function boundAttribute(attribute: AttributeProto, call: NodeProto, body: FunctionProto): readonly AttributeProto[] {
  const { name, refAttrName } = attribute;
  if (refAttrName === '') return [attribute];
  const isNamed = (candidate: AttributeProto): boolean => candidate.name === refAttrName;
  const value = call.attribute.find(isNamed) ?? body.attributeProto.find(isNamed);
  return value === undefined ? [] : [create(AttributeProtoSchema, { ...value, name })];
}
