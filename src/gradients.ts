/**
 * gradients: the call that users of the `gradient-checkpointing` package know. It is `compile` with the loss, the
 * parameters and the strategy given as values.
 */
import { type Compiled, compile } from './compile.ts';
import { builderOf, markGradient } from './frontend/builder/owners.ts';
import { requireOptions, wrongArgument } from './ir/arguments.ts';
import { SublinearError } from './ir/diagnostic.ts';
import { type Value, valuesByName } from './ir/graph.ts';

export interface GradientsOptions {
  /** A strategy by name, or the values to keep; `manual` keeps what `checkpoint(x)` marked. Default `memory`. */
  readonly checkpoints?: 'memory' | 'speed' | 'manual' | readonly Value[];
}

export interface Gradients {
  /** One a parameter, in their order: its gradient in `compiled.graph`. */
  readonly values: readonly Value[];
  readonly compiled: Compiled;
}

/**
 * `loss`: one f32 number, or several to be added up. The gradient of a value that the loss does not depend on is zeros; a
 * value listed twice gets its gradient twice. Throws `SublinearError`: values of different builders, a loss that is no
 * number, values that are no floats, gradients (those of gradients are not supported).
 */
export function gradients(
  loss: Value | readonly Value[],
  parameters: readonly Value[],
  options?: GradientsOptions,
): Gradients {
  requireOptions('gradients', options);
  const losses = isList(loss) ? loss : [loss];
  if (!Array.isArray(parameters)) throw wrongArgument('gradients', 'a list of values to differentiate by', parameters);
  const first = losses[0];
  if (first === undefined || parameters.length === 0)
    throw new SublinearError(
      {
        code: 'nothing-to-differentiate',
        message: `gradients needs at least one loss and one value, and was given ${first === undefined ? 'no loss' : 'an empty list of values'}`,
      },
      2,
    );
  const builder = builderOf(first);
  const checkpoints = options?.checkpoints ?? 'memory';
  if (!Array.isArray(checkpoints) && !named.has(checkpoints))
    throw wrongArgument('gradients', `${[...named].join(', ')} or a list of values as checkpoints`, checkpoints);
  const kept: readonly Value[] = typeof checkpoints === 'string' ? [] : checkpoints;
  for (const value of [...losses, ...parameters, ...kept])
    if (builderOf(value) !== builder)
      throw new SublinearError({
        code: 'foreign-value',
        message: `${JSON.stringify(value.name)} belongs to another model than the loss ${JSON.stringify(first.name)}`,
        hint: 'a model is made by one builder: values of two cannot be mixed',
      });
  const model = builder.finish();
  const manual = checkpoints === 'manual' || typeof checkpoints !== 'string';
  const compiled = compile(model, {
    losses: losses.map((value) => value.name),
    wrtValues: parameters.map((value) => value.name),
    strategy: manual ? 'manual' : checkpoints,
    strategyOptions: manual
      ? { values: checkpoints === 'manual' ? model.checkpoints : kept.map((value) => value.name) }
      : {},
  });
  const values = valuesByName(compiled.graph);
  const byParameter = new Map(compiled.graph.outputs.map((output) => [output.of, output.value]));
  return { values: parameters.map((value) => markGradient(values.get(byParameter.get(value.name)!)!)), compiled };
}

const named: ReadonlySet<unknown> = new Set(['memory', 'speed', 'manual']);

function isList(values: Value | readonly Value[]): values is readonly Value[] {
  return Array.isArray(values);
}
