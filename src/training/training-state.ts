/**
 * Checkpoints of training as safetensors files: parameters, optimizer state, running statistics, and as metadata what a
 * resumed training must go on with. A file is checked as a whole before a number of it is used.
 */
import { readSafetensors, readSafetensorsMetadata, writeSafetensors } from '../frontend/safetensors.ts';
import { type Diagnostic, nameSuggester, SublinearError } from '../ir/diagnostic.ts';
import { formatType, sameType, type Tensor, type TensorType } from '../ir/graph.ts';

const format = 'sublinear-training/1';

export interface TrainingState {
  /** Parameters and state by name. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Runs of the step so far. */
  readonly step: number;
  /** Of random ops. */
  readonly seed: number;
  /** Kind, or `none`. */
  readonly optimizer: string;
  /** Runs an update. */
  readonly accumulate: number;
}

/** What a file must be of to be resumed from. */
export interface ExpectedState {
  readonly types: ReadonlyMap<string, TensorType>;
  readonly optimizer: string;
  readonly accumulate: number;
}

export function writeTrainingState({ tensors, step, seed, optimizer, accumulate }: TrainingState): Uint8Array {
  const metadata = new Map([
    ['format', format],
    ['step', String(step)],
    ['seed', String(seed)],
    ['optimizer', optimizer],
    ['accumulate', String(accumulate)],
  ]);
  return writeSafetensors(tensors, metadata);
}

/** Throws `SublinearError` for a damaged file, one that is no checkpoint, or one of another model or optimizer. */
export function readTrainingState(bytes: Uint8Array, expected: ExpectedState): TrainingState {
  const metadata = readSafetensorsMetadata(bytes);
  const tensors = readSafetensors(bytes);
  if (metadata.get('format') !== format)
    throw new SublinearError({
      code: 'no-checkpoint',
      message:
        metadata.get('format') === undefined
          ? 'the safetensors file is no checkpoint of training: its metadata name no format'
          : `the checkpoint is of the format ${JSON.stringify(metadata.get('format'))}, not ${format}`,
      hint: 'weights without optimizer state are read with --weights FILE.safetensors',
    });
  const whole = (name: string): number => {
    const text = metadata.get(name) ?? '';
    if (/^\d{1,15}$/.test(text)) return Number(text);
    throw new SublinearError({
      code: 'malformed-checkpoint',
      message: `the checkpoint's ${name} is ${JSON.stringify(text)}, not a whole number`,
      hint: 'the file is damaged',
    });
  };
  const state = {
    tensors,
    step: whole('step'),
    seed: whole('seed'),
    optimizer: metadata.get('optimizer') ?? 'none',
    accumulate: whole('accumulate'),
  };
  // State of another optimizer differs in every name: to say so once is enough.
  const differing = optionFaults(state, expected);
  const faults = differing.length > 0 ? differing : tensorFaults(tensors, expected.types);
  if (faults.length > 0) throw new SublinearError(shorten(faults));
  return state;
}

function optionFaults(state: TrainingState, expected: ExpectedState): readonly Diagnostic[] {
  const faults: Diagnostic[] = [];
  if (state.optimizer !== expected.optimizer)
    faults.push({
      code: 'other-optimizer',
      message: `the checkpoint is of a training with ${state.optimizer}, this one is with ${expected.optimizer}`,
    });
  if (state.accumulate !== expected.accumulate)
    faults.push({
      code: 'other-accumulation',
      message: `the checkpoint accumulates gradients over ${state.accumulate} steps, this training over ${expected.accumulate}`,
    });
  return faults;
}

function tensorFaults(
  tensors: ReadonlyMap<string, Tensor>,
  types: ReadonlyMap<string, TensorType>,
): readonly Diagnostic[] {
  const faults: Diagnostic[] = [];
  for (const [name, type] of types) {
    const tensor = tensors.get(name);
    if (tensor === undefined)
      faults.push({
        code: 'missing-tensor',
        message: `the checkpoint has no ${JSON.stringify(name)} (${formatType(type)})`,
      });
    else if (!sameType(tensor.type, type))
      faults.push({
        code: 'tensor-mismatch',
        message: `${JSON.stringify(name)} is ${formatType(type)}, but ${formatType(tensor.type)} in the checkpoint`,
      });
  }
  const nearestTo = nameSuggester(() => types.keys());
  for (const name of tensors.keys()) {
    if (types.has(name)) continue;
    const nearest = nearestTo(name);
    faults.push({
      code: 'unknown-tensor',
      message: `the checkpoint's ${JSON.stringify(name)} is no parameter and no state of this step`,
      ...(nearest !== undefined && { hint: `the nearest name is ${JSON.stringify(nearest)}` }),
    });
  }
  return faults;
}

/** A file of another model has everything wrong: the first few faults say so. */
function shorten(faults: readonly Diagnostic[]): readonly Diagnostic[] {
  const shown = 6;
  if (faults.length <= shown) return faults;
  const rest = { code: 'more', message: `and ${faults.length - shown} more: the checkpoint is of another model` };
  return [...faults.slice(0, shown), rest];
}
