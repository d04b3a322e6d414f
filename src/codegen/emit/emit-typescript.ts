/**
 * Writes a compiled step as one TypeScript module that needs nothing but itself (DESIGN section 9): header, types,
 * createStep, stages in the order in which they run, kernels carried over from runtime/, WebAssembly as one constant.
 *
 * The text is built once, by joining strings: editing a syntax tree statement by statement is quadratic.
 */
import type { Compiled } from '../../compile.ts';
import { SublinearError } from '../../ir/diagnostic.ts';
import { carrySources } from './carry-sources.ts';
import { chooseKernels, type KernelChoice } from './choose-kernels.ts';
import { groupStages, printCheckInputs, printCreateStep, stepOptions } from './create-step.ts';
import { printHeader } from './header.ts';
import { importedNames, printImports } from './imports.ts';
import { listTable, printStage } from './kernel-calls.ts';
import { generatedFile } from './runtime-sources.ts';
import { stagesOf } from './stages.ts';
import { inputType, printInterface, tensorsOf } from './tensors.ts';
import { describeKernels, printBindKernels, printWasm, wasmSupport } from './wasm-kernels.ts';

export interface EmitTypeScriptOptions {
  /** `inline` (default) carries the kernels over; `import` takes them from the package. */
  readonly runtime?: 'inline' | 'import';
  /**
   * `js` (default): plain TypeScript kernels, in any buffer. `wasm`: WebAssembly SIMD kernels, in a `WebAssembly.Memory`;
   * what has none stays plain TypeScript.
   */
  readonly backend?: 'js' | 'wasm';
  /** Default: the graph's name. */
  readonly modelName?: string;
  /** How the step was made, for the header. */
  readonly how?: string;
  /** Name of the file that holds the weights, for the header; default `step.safetensors`. */
  readonly weightsFile?: string;
}

/** What a module uses of the runtime beside kernels, by file. */
function supportOf(choice: KernelChoice): Readonly<Record<string, readonly string[]>> {
  return {
    'memory.ts': ['Memory', 'NumberArray', 'viewMemory'],
    'step.ts': [
      ...['Integers', 'Numbers', 'Step', 'Tensors', stepOptions(choice)],
      ...['checkElements', 'checkLoaded', 'checkNames', 'copyElements', 'loadTensors', 'stepMemory'],
    ],
    'safetensors.ts': ['loadSafetensors'],
    ...(choice.backend === 'wasm' && wasmSupport(choice)),
  };
}

/** What a module hands on to its user. */
function exportedBy(choice: KernelChoice): readonly string[] {
  const errors = choice.backend === 'wasm' ? ['BackendError'] : [];
  return ['Integers', 'Numbers', 'Step', 'StepMemory', 'Tensors', 'loadSafetensors', stepOptions(choice), ...errors];
}

/** Top-level names of every module, beside those of the runtime, and parameters: kernels and stages must not take them. */
const moduleNames = [
  'Inputs Outputs Parameters State Gradients arenaBytes residentBytes createStep checkInputs inputNames m',
  'bindKernels Kernels k',
].flatMap((line) => line.split(' '));

/** Throws `SublinearError` where there is nothing to train, and where `wasm` cannot address the step's memory. */
export function emitTypeScript(compiled: Compiled, options: EmitTypeScriptOptions = {}): string {
  const { program } = compiled;
  const tensors = tensorsOf(program, compiled.update?.learningRate);
  if (tensors.parameters.length === 0 && tensors.gradients.length === 0)
    throw new SublinearError({
      code: 'no-parameters',
      message: `the step of ${JSON.stringify(program.name)} has no parameters and no gradients, so there is nothing to train`,
      hint: 'name graph inputs that are weights with --params GLOB, or ask for gradients of inputs with --wrt inputs',
    });
  const choice = chooseKernels(program, options.backend ?? 'js');
  const exported = exportedBy(choice);
  const support = supportOf(choice);
  const stages = stagesOf(program.steps);
  const { calls, functions: groups } = groupStages(stages, choice);
  const reserved = new Set([...moduleNames, ...stages.map(({ name }) => name), ...calls.map(({ name }) => name)]);
  const inline = options.runtime !== 'import';
  const carried = inline ? carrySources({ kernels: choice.functions, support, exported, reserved }) : undefined;
  const names = carried?.names ?? importedNames(choice.functions, reserved);
  const taken = new Set([...reserved, ...(carried?.topLevel ?? names.values()), ...Object.values(support).flat()]);
  const lists = listTable(taken);
  const bodies = stages.map((stage) => printStage(stage, lists, choice, names));
  const { text: createStep, toLoad } = printCreateStep(tensors, calls, compiled.weights, choice);
  const declarations = lists.declarations();
  const sections = new Map(carried?.sections);
  const stepSection = sections.get('step.ts');
  sections.delete('step.ts');
  const wasm = sections.delete(generatedFile) ? printWasm(choice) : undefined;
  const parts = [
    [
      '/** Bytes of the memory `[arena | resident]`; offsets below count from its start. */',
      `export const arenaBytes = ${program.arenaBytes};`,
      `export const residentBytes = ${program.residentBytes};`,
    ].join('\n'),
    printInterface('Inputs', 'What a run takes.', tensors.inputs, inputType),
    printInterface('Outputs', 'What a run returns, beside the gradients.', tensors.outputs),
    printInterface('Parameters', 'What is trained.', tensors.parameters),
    printInterface('State', 'What a run itself moves on: statistics, moments.', tensors.state),
    printInterface('Gradients', 'By the name of what they are the gradient of.', tensors.gradients),
    ...(stepSection === undefined ? [] : [stepSection]),
    createStep,
    printCheckInputs(tensors),
    ...(choice.bound.size > 0 ? [printBindKernels(choice, names)] : []),
    ...groups,
    ...bodies,
    ...(declarations.length > 0
      ? [`// Extents, strides and geometries that the calls share.\n\n${declarations.join('\n')}`]
      : []),
    ...sections.values(),
    ...(wasm === undefined ? [] : [wasm.text]),
  ];
  const header = printHeader(compiled, tensors, {
    modelName: options.modelName ?? program.name,
    ...(options.how !== undefined && { how: options.how }),
    ...(choice.backend === 'wasm' && { kernels: describeKernels(choice, wasm?.bytes) }),
    toLoad,
    weightsFile: options.weightsFile ?? 'step.safetensors',
  });
  const body = parts.join('\n\n');
  if (inline) return `${header}\n\n${body}\n`;
  return `${header}\n${printImports(names, [...Object.values(support).flat(), ...exported], exported, body)}\n\n${body}\n`;
}
