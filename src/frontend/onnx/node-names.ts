/** What nodes of an ONNX graph are called in messages, and where IR nodes say they came from. */
import type { NodeProto } from 'onnx-buf';

/** The name under which a node's operator stands in the table. */
export function operatorKey({ domain, opType }: { readonly domain: string; readonly opType: string }): string {
  return domain === '' || domain === 'ai.onnx' ? opType : `${domain}.${opType}`;
}

/** What to call a node in messages: its name, else its first output. */
export function nodeLabel(node: NodeProto): string {
  return node.name !== '' ? node.name : (node.output.find((name) => name !== '') ?? '');
}

/** `onnx Gemm "fc1"`: where IR nodes say they came from. */
export function nodeSource(node: NodeProto): string {
  return `onnx ${operatorKey(node)} ${JSON.stringify(nodeLabel(node))}`;
}

/** `Gemm (opset 17)`; operators of other domains, which have versions of their own, by their names alone. */
export function operatorLabel(node: NodeProto, opset: number): string {
  const key = operatorKey(node);
  return key === node.opType ? `${key} (opset ${opset})` : key;
}
