/** The pass `optimize`: its options as text, to and from what `optimize` takes. */
import { type OptimizeOptions, optimize } from './optimize.ts';
import { optimizers } from './optimizers.ts';
import { listOption, numberOption, type Pass, type PassOptionSpec, type PassOptions, stringOption } from './pass.ts';

const own: Readonly<Record<string, PassOptionSpec>> = {
  kind: { doc: `optimizer: ${[...optimizers.keys()].join(', ')}`, default: 'sgd' },
  parameters: { doc: 'exactly these parameters', default: 'those that differentiation chose' },
  keepGradients: { doc: 'whether gradients stay outputs: yes or no', default: 'no' },
  clipValue: { doc: 'bound of the elements of gradients', default: 'none' },
  clipNorm: { doc: 'bound of the norm of all gradients together', default: 'none' },
  lossScale: { doc: 'what the losses were multiplied by', default: '1' },
  accumulate: { doc: 'steps whose mean gradient makes one update', default: '1' },
};

/** Hyperparameters of all optimizers, with who takes them. */
function hyperparameters(): Readonly<Record<string, PassOptionSpec>> {
  const takers = new Map<string, string[]>();
  const specs: Record<string, PassOptionSpec> = {};
  for (const { kind, hyperparameters: own } of optimizers.values())
    for (const [name, spec] of Object.entries(own)) {
      const text = `${kind} ${spec.default}`;
      const list = takers.get(name);
      if (list === undefined) takers.set(name, [text]);
      else list.push(text);
      specs[name] = { doc: spec.doc, default: takers.get(name)!.join(', ') };
    }
  return specs;
}

/** As the options of a pipeline stage. Hyperparameters keep their names. */
export function printOptimizeOptions(options: OptimizeOptions): PassOptions {
  const { optimizer, trainable, keepGradients, ...numbers } = options;
  const printed: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(optimizer))
    if (value !== undefined) printed[name] = String(typeof value === 'boolean' ? Number(value) : value);
  for (const [name, value] of Object.entries(numbers)) if (value !== undefined) printed[name] = String(value);
  if (trainable !== undefined) printed.parameters = trainable;
  if (keepGradients === true) printed.keepGradients = 'yes';
  return printed;
}

function readOptimizeOptions(options: PassOptions, chosen: readonly string[] | undefined): OptimizeOptions {
  const optimizer: Record<string, string> & { kind: string } = { kind: stringOption(options, 'kind', 'sgd') };
  for (const name of Object.keys(options)) if (!(name in own)) optimizer[name] = stringOption(options, name, '');
  const trainable = options.parameters === undefined ? chosen : listOption(options, 'parameters');
  const number = (name: 'clipValue' | 'clipNorm' | 'lossScale' | 'accumulate'): Partial<OptimizeOptions> => {
    const value = numberOption(options, name);
    return value === undefined ? {} : { [name]: value };
  };
  return {
    optimizer,
    ...(trainable !== undefined && { trainable }),
    keepGradients: stringOption(options, 'keepGradients', 'no') === 'yes',
    ...number('clipValue'),
    ...number('clipNorm'),
    ...number('lossScale'),
    ...number('accumulate'),
  };
}

export const optimizePass: Pass = {
  name: 'optimize',
  summary: 'Compiles the update of the parameters into the step, and frees each gradient at its update',
  options: { ...own, ...hyperparameters() },
  requires: ['backward'],
  forbids: ['optimized', 'plan', 'recomputed', 'memory'],
  establishes: ['optimized'],
  run(compilation, options) {
    const { model, update } = optimize(compilation.model, readOptimizeOptions(options, compilation.trainable));
    return { compilation: { ...compilation, model, update }, changed: true };
  },
};
