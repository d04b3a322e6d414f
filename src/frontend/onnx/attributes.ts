/** Typed reading of a node's attributes, with defaults; an attribute of another type is an error, not a zero. */
import { type AttributeProto, type NodeProto, type TensorProto, AttributeProto_AttributeType as Type } from 'onnx-buf';
import { SublinearError } from '../../ir/diagnostic.ts';

export interface AttributeReader {
  has(name: string): boolean;
  int(name: string): number | undefined;
  int(name: string, fallback: number): number;
  float(name: string): number | undefined;
  /** The fallback is rounded to float32: it is what the file would have if it had the attribute. */
  float(name: string, fallback: number): number;
  string(name: string): string | undefined;
  string(name: string, fallback: string): string;
  ints(name: string): readonly number[] | undefined;
  ints(name: string, fallback: readonly number[]): readonly number[];
  floats(name: string): readonly number[] | undefined;
  strings(name: string): readonly string[] | undefined;
  tensor(name: string): TensorProto | undefined;
}

const decoder = new TextDecoder();

/** `where` names the node in errors. */
export function attributeReader(node: NodeProto, where: string): AttributeReader {
  const byName = new Map(node.attribute.map((attribute) => [attribute.name, attribute]));
  const find = (name: string, type: Type): AttributeProto | undefined => {
    const attribute = byName.get(name);
    // Files of IR version 1 leave the type out.
    if (attribute === undefined || attribute.type === type || attribute.type === Type.UNDEFINED) return attribute;
    throw new SublinearError({
      code: 'attribute-type',
      message: `attribute ${JSON.stringify(name)} of ${where} has type ${Type[attribute.type]}, not ${Type[type]}`,
      source: where,
    });
  };
  function int(name: string): number | undefined;
  function int(name: string, fallback: number): number;
  function int(name: string, fallback?: number): number | undefined {
    const found = find(name, Type.INT);
    return found === undefined ? fallback : Number(found.i);
  }
  function float(name: string): number | undefined;
  function float(name: string, fallback: number): number;
  function float(name: string, fallback?: number): number | undefined {
    const found = find(name, Type.FLOAT)?.f;
    return found ?? (fallback === undefined ? undefined : Math.fround(fallback));
  }
  function string(name: string): string | undefined;
  function string(name: string, fallback: string): string;
  function string(name: string, fallback?: string): string | undefined {
    const found = find(name, Type.STRING);
    return found === undefined ? fallback : decoder.decode(found.s);
  }
  function ints(name: string): readonly number[] | undefined;
  function ints(name: string, fallback: readonly number[]): readonly number[];
  function ints(name: string, fallback?: readonly number[]): readonly number[] | undefined {
    return find(name, Type.INTS)?.ints.map(Number) ?? fallback;
  }
  return {
    has: (name) => byName.has(name),
    int,
    float,
    string,
    ints,
    floats: (name) => find(name, Type.FLOATS)?.floats,
    strings: (name) => find(name, Type.STRINGS)?.strings.map((text) => decoder.decode(text)),
    tensor: (name) => find(name, Type.TENSOR)?.t,
  };
}
