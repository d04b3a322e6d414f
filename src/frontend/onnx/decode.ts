/** From the bytes of a file to a decoded ONNX model that is worth looking into; says what is wrong with other bytes. */
import { fromBinary } from '@bufbuild/protobuf';
import { type GraphProto, type ModelProto, ModelProtoSchema } from 'onnx-buf';
import { SublinearError } from '../../ir/diagnostic.ts';

/** The range of operator sets whose semantics the lowerings know. */
export const supportedOpsets = { first: 1, last: 27 } as const;

export interface DecodedModel {
  readonly graph: GraphProto;
  /** Version of the default operator set. */
  readonly opset: number;
  readonly proto: ModelProto;
}

/**
 * Throws `SublinearError`: `not-onnx` (no protobuf message, or one without a graph), `truncated-file`, `empty-graph`,
 * `unsupported-opset`.
 */
export function decodeModel(bytes: Uint8Array): DecodedModel {
  if (bytes.length === 0)
    throw new SublinearError({ code: 'not-onnx', message: 'not an ONNX model: the file is empty' });
  let proto: ModelProto;
  try {
    proto = fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    if (isCutShort(bytes))
      throw new SublinearError({
        code: 'truncated-file',
        message: `the ONNX file is cut short: a field runs past its end, at ${bytes.length} bytes`,
        hint: 'export or copy the file again',
      });
    throw new SublinearError({
      code: 'not-onnx',
      message: `not an ONNX model: not a protobuf message (${error instanceof Error ? error.message : String(error)})`,
    });
  }
  const { graph } = proto;
  if (graph === undefined)
    throw new SublinearError({
      code: 'not-onnx',
      message: 'not an ONNX model: it has no graph',
      hint: 'is it another protobuf file, such as a tensor (input_0.pb)?',
    });
  if (graph.node.length === 0)
    throw new SublinearError({
      code: 'empty-graph',
      message: `the graph ${JSON.stringify(graph.name)} has no nodes`,
      hint: 'there is nothing to compile; export the model again',
    });
  if (graph.output.length === 0)
    throw new SublinearError({
      code: 'empty-graph',
      message: `the graph ${JSON.stringify(graph.name)} has no outputs`,
      hint: 'there is nothing to compute; export the model again',
    });
  const versions = proto.opsetImport.filter(({ domain }) => domain === '' || domain === 'ai.onnx');
  // A model of other domains' operators alone need not import the default one.
  const needed = graph.node.some(({ domain }) => domain === '' || domain === 'ai.onnx');
  const opset = Number(versions[0]?.version ?? (needed ? 0n : supportedOpsets.last));
  if (opset < supportedOpsets.first || opset > supportedOpsets.last)
    throw new SublinearError({
      code: 'unsupported-opset',
      message:
        versions.length === 0
          ? 'the model imports no version of the ONNX operator set'
          : `the model uses opset ${opset}; supported are ${supportedOpsets.first} to ${supportedOpsets.last}`,
      hint: `export with an opset from ${supportedOpsets.first} to ${supportedOpsets.last}, or convert the model`,
    });
  return { graph, opset, proto };
}

/**
 * Whether the top-level fields read as those of a ModelProto up to one that runs past the end. Walks tags and lengths
 * only: a damaged inside does not matter here.
 */
function isCutShort(bytes: Uint8Array): boolean {
  let at = 0;
  let overrun = false;
  const varint = (): number => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes[at];
      if (byte === undefined) {
        overrun = true;
        return value;
      }
      at++;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    // ModelProto's fields are numbered 1 to 26 and are varints or length-delimited.
    if (field < 1 || field > 26 || (wire !== 0 && wire !== 2)) return false;
    const length = varint();
    if (overrun || (wire === 2 && at + length > bytes.length)) return true;
    if (wire === 2) at += length;
  }
  return false;
}

/** Names of the inputs that are fed each step, in the file's order: initializers may be listed as inputs, but are not. */
export function onnxInputNames(bytes: Uint8Array): readonly string[] {
  const { graph } = decodeModel(bytes);
  const stored = new Set(graph.initializer.map((proto) => proto.name));
  return graph.input.map((input) => input.name).filter((name) => !stored.has(name));
}
