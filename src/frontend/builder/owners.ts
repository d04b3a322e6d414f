/** Which builder made a value, for calls that are given values alone. */
import { describeGiven, isRecord } from '../../ir/arguments.ts';
import { SublinearError } from '../../ir/diagnostic.ts';
import type { Value } from '../../ir/graph.ts';
import type { ModelBuilder } from './model-builder.ts';

const owners = new WeakMap<object, ModelBuilder>();
const gradientValues = new WeakSet<object>();

/** The value, from now on known as the builder's, and frozen: what is handed out must not change the graph. */
export function own(value: Value, builder: ModelBuilder): Value {
  owners.set(value, builder);
  Object.freeze(value.type.shape);
  Object.freeze(value.type);
  return Object.freeze(value);
}

/** Marks what `gradients` returned: values of a compiled graph, which no builder can go on with. */
export function markGradient(value: Value): Value {
  gradientValues.add(value);
  return value;
}

function isValue(value: unknown): value is Value {
  return isRecord(value) && typeof value.name === 'string' && isRecord(value.type);
}

/** Throws `SublinearError` for what is no value, a gradient, and a value that no builder made. */
export function builderOf(value: unknown): ModelBuilder {
  const builder = isValue(value) ? owners.get(value) : undefined;
  if (builder !== undefined) return builder;
  if (!isValue(value))
    throw new SublinearError({
      code: 'not-a-value',
      message: `a value of a ModelBuilder is needed here, not ${describeGiven(value)}`,
      hint: 'pass what its methods return',
    });
  if (gradientValues.has(value)) throw gradientOfGradient(value.name);
  throw new SublinearError({
    code: 'foreign-value',
    message: `${JSON.stringify(value.name)} was not made by a ModelBuilder`,
    hint: 'pass the values its methods returned, as they are',
  });
}

/** What is said wherever a gradient is to be differentiated. */
export function gradientOfGradient(name: string): SublinearError {
  return new SublinearError({
    code: 'gradient-of-gradient',
    message: `${JSON.stringify(name)} is a gradient: gradients of gradients are not supported`,
    hint: 'differentiate a loss of forward values; write a term that needs a derivative out as forward nodes of its own',
  });
}
