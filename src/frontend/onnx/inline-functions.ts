/** Functions that a model brings along (exporters wrap layers in them) are written out where they are called. */
import { create } from '@bufbuild/protobuf';
import { type AttributeProto, AttributeProtoSchema, type FunctionProto, type NodeProto } from 'onnx-buf';
import { SublinearError } from '../../ir/diagnostic.ts';
import type { DecodedModel } from './decode.ts';
import type { ExpansionBudget } from './expansion-budget.ts';
import { nodeLabel, nodeSource } from './node-names.ts';
import { writtenOut } from './write-out.ts';

/** Calls within calls. The labels of inner values name every one of them. */
const deepestCall = 100;

/** The nodes that a call stands for; undefined for a node that calls no function of the model. */
export type FunctionCalls = (node: NodeProto, within: readonly string[]) => CalledFunction | undefined;

export interface CalledFunction {
  readonly nodes: readonly NodeProto[];
  /** Functions that the nodes are inside of: what to ask with where one of them is a call in turn. */
  readonly within: readonly string[];
}

/**
 * `fresh` makes names of inner values, which are called `CALL/NAME`, unique. Throws `SublinearError` for a call that
 * cannot be written out.
 */
export function functionCalls(
  { opset, proto }: DecodedModel,
  budget: ExpansionBudget,
  fresh: (hint: string) => string,
): FunctionCalls {
  const functions = new Map(proto.functions.map((body) => [keyOf(body.domain, body.name, body.overload), body]));
  return (node, within) => {
    if (functions.size === 0) return undefined;
    const key = keyOf(node.domain, node.opType, node.overload);
    const body = functions.get(key);
    if (body === undefined) return undefined;
    const what = `function ${body.name}`;
    const fault = faultOf(body, opset, within, key);
    if (fault !== undefined)
      throw new SublinearError({ code: 'unsupported', message: `${what}: ${fault}`, source: nodeSource(node) });
    budget.take(body.node.length, what, nodeSource(node));
    const nodes = calledBody(node, body, fresh);
    budget.takeNames(nodes, what, nodeSource(node));
    return { nodes, within: [...within, key] };
  };
}

function keyOf(domain: string, name: string, overload: string): string {
  return JSON.stringify([domain === 'ai.onnx' ? '' : domain, name, overload]);
}

function faultOf(body: FunctionProto, opset: number, within: readonly string[], key: string): string | undefined {
  if (within.includes(key)) return 'it calls itself';
  if (within.length >= deepestCall) return `it is called within ${deepestCall} others`;
  const version = body.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version;
  return version === undefined || Number(version) === opset
    ? undefined
    : `it is written for opset ${version}, and the model uses opset ${opset}`;
}

/** The body's nodes with the names and attributes of one call. */
function calledBody(call: NodeProto, body: FunctionProto, fresh: (hint: string) => string): readonly NodeProto[] {
  return writtenOut({
    label: nodeLabel(call),
    nodes: body.node,
    given: new Map(body.input.map((name, i) => [name, call.input[i] ?? ''])),
    results: body.output.map((name, i) => [name, call.output[i] ?? '']),
    fresh,
    captures: false,
    bind: (attribute) => boundAttribute(attribute, call, body),
  });
}

/** An attribute that refers to one of the call has its value, or the function's default, or is left out. */
function boundAttribute(attribute: AttributeProto, call: NodeProto, body: FunctionProto): readonly AttributeProto[] {
  const { name, refAttrName } = attribute;
  if (refAttrName === '') return [attribute];
  const isNamed = (candidate: AttributeProto): boolean => candidate.name === refAttrName;
  const value = call.attribute.find(isNamed) ?? body.attributeProto.find(isNamed);
  return value === undefined ? [] : [create(AttributeProtoSchema, { ...value, name })];
}
