/** The inputs of an ONNX graph: element types, and shapes with their symbolic extents bound. */
import type { ValueInfoProto } from 'onnx-buf';
import { type Diagnostic, nearestName } from '../../ir/diagnostic.ts';
import { formatType, sameShape, sizeFault, type Tensor, type TensorType } from '../../ir/graph.ts';
import { dtypeOf, elementTypeName, isConverted } from './element-type.ts';

export interface TypedInput {
  readonly name: string;
  readonly type: TensorType;
  /** The element type in the file, where the IR computes in another. */
  readonly convertedFrom?: string;
}

export interface TypedInputs {
  readonly inputs: readonly TypedInput[];
  /** Every symbolic extent and what it is bound to. */
  readonly dims: ReadonlyMap<string, number>;
  /** Inputs of a type that is not supported, or with an extent that is not bound: a fault only of what reads them. */
  readonly refused: ReadonlyMap<string, Diagnostic>;
}

/**
 * Types of `declared`. An extent without a name goes by `INPUT.AXIS`. Extents are bound by `dims`, and those that `dims`
 * leaves open by the shapes of `given`. What is wrong is added to `diagnostics`, and its input left out.
 */
export function typeInputs(
  declared: readonly ValueInfoProto[],
  dims: Readonly<Record<string, number>>,
  given: ReadonlyMap<string, Tensor>,
  diagnostics: Diagnostic[],
): TypedInputs {
  const symbols = new Set<string>();
  for (const input of declared)
    for (const extent of extentsOf(input) ?? []) if (typeof extent === 'string') symbols.add(extent);
  const bound = new Map<string, number>();
  for (const [name, extent] of Object.entries(dims)) {
    if (!symbols.has(name)) diagnostics.push(unknownDimension(name, symbols));
    else if (!Number.isSafeInteger(extent) || extent < 0)
      diagnostics.push({
        code: 'bad-dimension',
        message: `dimension ${JSON.stringify(name)} cannot be ${extent}`,
        hint: 'an extent is a whole number, zero or more',
      });
    else bound.set(name, extent);
  }
  for (const input of declared) bindFromGiven(input, given.get(input.name), bound);
  const inputs: TypedInput[] = [];
  const refused = new Map<string, Diagnostic>();
  for (const input of declared) {
    const fault = unsupportedType(input);
    if (fault !== undefined) {
      refused.set(input.name, fault);
      continue;
    }
    const typed = typeInput(input, bound, given.get(input.name), refused, diagnostics);
    if (typed !== undefined) inputs.push(typed);
  }
  return { inputs, dims: bound, refused };
}

/** Extents as numbers or names; undefined where the file states no shape. */
function extentsOf(input: ValueInfoProto): readonly (number | string)[] | undefined {
  const type = input.type?.value;
  if (type?.case !== 'tensorType') return undefined;
  return type.value.shape?.dim.map(({ value }, axis) => {
    if (value.case === 'dimParam' && value.value !== '') return value.value;
    // Some exporters write -1 where they mean "any".
    if (value.case === 'dimValue' && value.value >= 0n) return Number(value.value);
    return `${input.name}.${axis}`;
  });
}

function bindFromGiven(input: ValueInfoProto, given: Tensor | undefined, bound: Map<string, number>): void {
  const extents = extentsOf(input);
  if (given === undefined || extents?.length !== given.type.shape.length) return;
  extents.forEach((extent, axis) => {
    if (typeof extent === 'string' && !bound.has(extent)) bound.set(extent, given.type.shape[axis]!);
  });
}

function elementTypeOfInput(input: ValueInfoProto): number | undefined {
  return input.type?.value.case === 'tensorType' ? input.type.value.value.elemType : undefined;
}

function unsupportedType(input: ValueInfoProto): Diagnostic | undefined {
  const label = `input ${JSON.stringify(input.name)}`;
  const kind = input.type?.value.case;
  const elementType = elementTypeOfInput(input);
  if (elementType === undefined)
    return {
      code: 'unsupported-type',
      message: `${label} is not a tensor${kind === undefined ? '' : ` but a ${kind.replace('Type', '')}`}`,
      hint: 'inputs must be dense tensors',
    };
  if (dtypeOf(elementType) !== undefined) return undefined;
  return {
    code: 'unsupported-dtype',
    message: `${label} has the unsupported element type ${elementTypeName(elementType)}`,
    hint: 'supported are FLOAT, FLOAT16, BFLOAT16, DOUBLE, INT64, INT32, INT16, INT8, UINT8 and BOOL',
  };
}

function typeInput(
  input: ValueInfoProto,
  bound: ReadonlyMap<string, number>,
  given: Tensor | undefined,
  refused: Map<string, Diagnostic>,
  diagnostics: Diagnostic[],
): TypedInput | undefined {
  const label = `input ${JSON.stringify(input.name)}`;
  const elementType = elementTypeOfInput(input);
  const dtype = elementType === undefined ? undefined : dtypeOf(elementType);
  if (elementType === undefined || dtype === undefined) return undefined;
  const extents = extentsOf(input) ?? given?.type.shape;
  if (extents === undefined) {
    diagnostics.push({
      code: 'unbound-dimension',
      message: `${label} has no shape in the file`,
      hint: 'export with the rank of every input stated',
    });
    return undefined;
  }
  const shape: number[] = [];
  const open: string[] = [];
  for (const extent of extents) {
    const known = typeof extent === 'number' ? extent : bound.get(extent);
    if (known !== undefined) shape.push(known);
    else if (typeof extent === 'string' && !open.includes(extent)) open.push(extent);
  }
  if (open.length > 0) {
    const names = open.map((name) => JSON.stringify(name)).join(', ');
    refused.set(input.name, {
      code: 'unbound-dimension',
      message: `${label} has the shape [${extents.join(', ')}], in which ${names} ${open.length === 1 ? 'is' : 'are'} not bound`,
      hint: `give ${open.map((name) => `--dim ${quoteForShell(name)}=N`).join(' ')}`,
    });
    return undefined;
  }
  const result: TensorType = { dtype, shape };
  const fault = sizeFault(result);
  if (fault !== undefined) {
    diagnostics.push({ code: 'too-large', message: `${label} ${fault}` });
    return undefined;
  }
  if (given !== undefined && (!sameShape(given.type.shape, shape) || given.type.dtype !== dtype)) {
    diagnostics.push({
      code: 'input-mismatch',
      message: `${label} is ${formatType(result)}, but was given ${formatType(given.type)}`,
    });
    return undefined;
  }
  return {
    name: input.name,
    type: result,
    ...(isConverted(elementType) && { convertedFrom: elementTypeName(elementType) }),
  };
}

function unknownDimension(name: string, symbols: ReadonlySet<string>): Diagnostic {
  const nearest = nearestName(name, symbols);
  const known = [...symbols].map((symbol) => JSON.stringify(symbol)).join(', ');
  return {
    code: 'unknown-dimension',
    message: `no input has a dimension named ${JSON.stringify(name)}`,
    hint:
      nearest !== undefined
        ? `did you mean ${JSON.stringify(nearest)}?`
        : symbols.size === 0
          ? 'every extent is fixed in the file'
          : `the dimensions are ${known}`,
  };
}

function quoteForShell(name: string): string {
  return /^[\w.:/+-]+$/.test(name) ? name : `'${name}'`;
}
