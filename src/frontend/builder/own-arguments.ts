/**
 * Arguments of builder calls, checked and copied: a graph keeps nothing that its caller can still write to.
 */
import { describeGiven, isRecord, wrongArgument } from '../../ir/arguments.ts';
import { SublinearError } from '../../ir/diagnostic.ts';
import { badElement, elementRule, formatElement, isArrayLike, storedElements } from '../../ir/elements.ts';
import {
  type Attributes,
  type AttributeValue,
  elementCount,
  formatType,
  type Tensor,
  type TensorType,
} from '../../ir/graph.ts';
import { isDType } from '../../ir/text-scanner.ts';

export function ownName(call: string, name: unknown): string {
  if (typeof name === 'string' && name !== '') return name;
  throw wrongArgument(call, 'a name', name);
}

export function ownShape(call: string, shape: unknown): readonly number[] {
  if (Array.isArray(shape) && shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) return [...shape];
  const shown = Array.isArray(shape) ? `[${shape.map(formatElement).join(', ')}]` : describeGiven(shape);
  throw new SublinearError({
    code: 'bad-shape',
    message: `${call} takes a shape, but was given ${shown}`,
    hint: 'a shape is a list of whole numbers, 0 or more: [32, 64]',
  });
}

export function ownType(call: string, shape: unknown, dtype: unknown): TensorType {
  if (typeof dtype === 'string' && isDType(dtype)) return { dtype, shape: ownShape(call, shape) };
  throw wrongArgument(call, 'an element type (f32, i64, i32, i16, i8, u8 or bool)', dtype);
}

/** The numbers of a tensor, in an array of their own. */
export function ownData(name: string, type: TensorType, data: unknown): Tensor['data'] {
  const label = `${JSON.stringify(name)} (${formatType(type)})`;
  if (!isNumbers(data))
    throw new SublinearError({
      code: 'bad-data',
      message: `${label} takes an array of numbers, but was given ${describeGiven(data)}`,
    });
  const count = elementCount(type.shape);
  if (data.length !== count)
    throw new SublinearError({
      code: 'bad-data',
      message: `${label} takes ${count} numbers, but was given ${data.length}`,
      hint: 'elements stand in row-major order, the last dimension fastest',
    });
  const at = badElement(data, type.dtype);
  if (at < 0) return storedElements(data, type.dtype);
  throw new SublinearError({
    code: 'bad-data',
    message: `${label}: element ${at} is ${formatElement(data[at])}`,
    hint: elementRule(type.dtype),
  });
}

function isNumbers(data: unknown): data is ArrayLike<number> {
  return isArrayLike(data);
}

/** Options may be left out; otherwise they are an object. */
export function ownOptions<Options extends object>(call: string, options: Options | undefined): Partial<Options> {
  if (options === undefined) return {};
  if (!isRecord(options)) throw wrongArgument(call, 'an object of options', options);
  return { ...options };
}

/** Lists are copied. Whether each is of the kind that the op takes, `attributeFaults` says. */
export function ownAttributes(call: string, attributes: unknown): Attributes {
  if (!isRecord(attributes)) throw wrongArgument(call, 'an object of attributes', attributes);
  const owned: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (Array.isArray(value)) owned[name] = Object.freeze(value.slice());
    else if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') owned[name] = value;
    else throw wrongArgument(call, `a number, a string, a boolean or a list of numbers as ${name}`, value);
  }
  return owned;
}
