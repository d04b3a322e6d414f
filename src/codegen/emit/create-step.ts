/** The function `createStep` of an emitted module: the memory, views of it by name, loading and running. */
import { elementCount, formatType, type Tensor } from '../../ir/graph.ts';
import type { KernelChoice } from './choose-kernels.ts';
import { initialValue } from './initial-values.ts';
import { type StageParameters, stageHead, stageParameters } from './kernel-calls.ts';
import { layOut } from './layout.ts';
import { quote } from './quote.ts';
import { type Stage, stageLimit } from './stages.ts';
import { type NamedTensor, type StepTensors, viewExpression } from './tensors.ts';

const stepType = 'Step<Inputs, Outputs, Parameters, State, Gradients>';

/** A function that a run calls: a stage, or a group of them. */
interface StageCall {
  readonly name: string;
  readonly parameters: StageParameters;
}

export interface CreateStepText {
  readonly text: string;
  /** Constants and state that have to be loaded: their numbers are not in the module. */
  readonly toLoad: readonly NamedTensor[];
}

/** Type of what `createStep` takes. */
export function stepOptions({ backend }: KernelChoice): string {
  return backend === 'wasm' ? 'WasmStepOptions' : 'StepOptions';
}

export function printCreateStep(
  tensors: StepTensors,
  calls: readonly StageCall[],
  weights: ReadonlyMap<string, Tensor>,
  choice: KernelChoice,
): CreateStepText {
  const toLoad: NamedTensor[] = [];
  const initial: string[] = [];
  const loadable: string[] = [];
  const addLoadable = (group: string, members: readonly NamedTensor[], carried: boolean): void => {
    for (const tensor of members) {
      const view = `${group}.${tensor.key}`;
      loadable.push(layOut('  ', 'loadable.set(', [quote(tensor.name), view], ');'));
      if (!carried) continue;
      const statement = initialValue('  ', view, tensor, weights.get(tensor.name));
      if (statement === undefined) toLoad.push(tensor);
      else if (statement !== '') initial.push(statement);
    }
  };
  addLoadable('parameters', tensors.parameters, false);
  addLoadable('state', tensors.state, true);
  addLoadable('constants', tensors.constants, true);
  const pending = toLoad.filter((tensor) => tensors.constants.includes(tensor));
  const text = [
    '/** Allocates the memory once; a run allocates nothing. */',
    `export function createStep(options: ${stepOptions(choice)} = {}): ${stepType} {`,
    ...(choice.backend === 'wasm'
      ? [
          '  const wasmMemory = options.memory ?? allocateWasmMemory(arenaBytes + residentBytes);',
          '  const memory = stepMemory(arenaBytes, residentBytes, wasmMemory.buffer);',
        ]
      : ['  const memory = stepMemory(arenaBytes, residentBytes, options.buffer);']),
    '  const { buffer } = memory;',
    '  const m = viewMemory(buffer);',
    ...(choice.bound.size > 0 ? ['  const k = bindKernels(instantiateWasm(wasmMemory));'] : []),
    printViews('parameters', 'Parameters', tensors.parameters),
    printViews('state', 'State', tensors.state),
    printViews('gradients', 'Gradients', tensors.gradients),
    printViews('outputs', 'Outputs', tensors.outputs),
    ...(tensors.inputs.length === 0 ? [] : [printViews('given', undefined, tensors.inputs)]),
    ...(tensors.constants.length === 0 ? [] : [printViews('constants', undefined, tensors.constants)]),
    ...initial,
    '  const loadable = new Map<string, NumberArray>();',
    ...loadable,
    pending.length === 0
      ? '  const pending = new Set<string>();'
      : layOut(
          '  ',
          'const pending = new Set([',
          pending.map((tensor) => quote(tensor.name)),
          ']);',
        ),
    ...(tensors.random === undefined ? [] : ['  const seed = options.seed ?? 0;', '  let stepNumber = 0;']),
    '  return {',
    '    parameters,',
    '    state,',
    '    gradients,',
    '    memory,',
    '    load: (tensors) => loadTensors(loadable, pending, tensors),',
    '    run(inputs) {',
    '      checkLoaded(pending);',
    '      checkInputs(inputs);',
    ...tensors.inputs.map(({ key }) => `      copyElements(given.${key}, inputs.${key});`),
    ...(tensors.random === undefined
      ? []
      : [
          `      m.i32[${tensors.random.offset / 4}] = seed;`,
          `      m.i32[${tensors.random.offset / 4 + 1}] = stepNumber++;`,
        ]),
    ...calls.map(({ name, parameters }) => `      ${name}(${parameters.join(', ')});`),
    '      return outputs;',
    '    },',
    '  };',
    '}',
  ].join('\n');
  return { text, toLoad };
}

function printViews(name: string, type: string | undefined, tensors: readonly NamedTensor[]): string {
  const head = `  const ${name}${type === undefined ? '' : `: ${type}`} = {`;
  if (tensors.length === 0) return `${head}};`;
  return `${head}\n${tensors.map((tensor) => `    ${tensor.key}: ${viewExpression(tensor.slot)},`).join('\n')}\n  };`;
}

interface StageGroups {
  /** What a run calls: the stages or, where they are many, functions that call many of them in their order. */
  readonly calls: readonly StageCall[];
  /** These functions as text. */
  readonly functions: readonly string[];
}

export function groupStages(stages: readonly Stage[], choice: KernelChoice): StageGroups {
  const all = stages.map((stage) => ({ name: stage.name, parameters: stageParameters(stage, choice) }));
  if (all.length <= stageLimit) return { calls: all, functions: [] };
  const calls: StageCall[] = [];
  const functions: string[] = [];
  for (let i = 0; i < all.length; i += stageLimit) {
    const group = all.slice(i, i + stageLimit);
    const name = `stages${calls.length + 1}`;
    const parameters: StageParameters = group.some((stage) => stage.parameters.includes('k')) ? ['m', 'k'] : ['m'];
    calls.push({ name, parameters });
    functions.push(
      [
        `/** Stages ${group[0]!.name} to ${group.at(-1)!.name}. */`,
        stageHead(name, parameters),
        ...group.map((stage) => `  ${stage.name}(${stage.parameters.join(', ')});`),
        '}',
      ].join('\n'),
    );
  }
  return { calls, functions };
}

/** `checkInputs`, which names the first input that is unknown, missing or of the wrong length. */
export function printCheckInputs(tensors: StepTensors): string {
  const names = tensors.inputs.map((tensor) => quote(tensor.key));
  const checks = tensors.inputs.map(({ key, slot }) => {
    const count = String(elementCount(slot.shape));
    const values = ["'input'", quote(key), quote(formatType(slot)), count, `inputs.${key}`];
    return layOut('  ', 'checkElements(', values, ');');
  });
  const declaration = `const inputNames${names.length === 0 ? ': ReadonlySet<string>' : ''} = new Set(`;
  return [
    names.length === 0 ? `${declaration});` : layOut('', `${declaration}[`, names, ']);'),
    '',
    'function checkInputs(inputs: Inputs): void {',
    '  checkNames(inputs, inputNames);',
    ...checks,
    '}',
  ].join('\n');
}
