/**
 * gradients: the call that users of the `gradient-checkpointing` package know. It is `compile` with the loss, the
 * parameters and the strategy given as values.
 */
import { type Compiled, compile } from './compile.ts';
import { builderOf } from './frontend/builder/model-builder.ts';
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

/** `loss`: one f32 number, or several to be added up. Throws `SublinearError` for values of different builders. */
export function gradients(
  loss: Value | readonly Value[],
  parameters: readonly Value[],
  options: GradientsOptions = {},
): Gradients {
  const losses = 'name' in loss ? [loss] : loss;
  const first = losses[0];
  if (first === undefined || parameters.length === 0)
    throw new SublinearError(
      { code: 'nothing-to-differentiate', message: 'gradients needs at least one loss and one parameter' },
      2,
    );
  const builder = builderOf(first);
  const { checkpoints = 'memory' } = options;
  const kept = typeof checkpoints === 'string' ? [] : checkpoints;
  for (const value of [...losses, ...parameters, ...kept])
    if (builderOf(value) !== builder)
      throw new SublinearError({
        code: 'foreign-value',
        message: `${JSON.stringify(value.name)} belongs to another model than the loss ${JSON.stringify(first.name)}`,
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
  return { values: parameters.map((value) => values.get(byParameter.get(value.name)!)!), compiled };
}
