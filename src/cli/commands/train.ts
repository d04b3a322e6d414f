/** `sublinear train MODEL`: trains it on given batches, and keeps what comes out. */
import { extname } from 'node:path';
import { type Command, Option } from 'commander';
import { rngInputOf } from '../../analysis/rng-input.ts';
import { readBytes } from '../../files/read-file.ts';
import { assertWritable, writeFilesAtomically } from '../../files/write-file.ts';
import { saveOnnx } from '../../frontend/onnx/save.ts';
import { formatBytes } from '../../inspect/format-bytes.ts';
import { type Diagnostic, SublinearError } from '../../ir/diagnostic.ts';
import type { Tensor } from '../../ir/graph.ts';
import { checkpoint, type TrainingStep } from '../../training/checkpoint.ts';
import { clipCost } from '../../training/clip-cost.ts';
import { type CommandOptions, compileOptions } from '../compile-for.ts';
import { addModelOptions, addPlanOptions, wholeNumber } from '../options.ts';
import { prepareModel } from '../prepare-model.ts';
import { printNotes } from '../print-notes.ts';
import { outputIsClosed } from '../standard-streams.ts';
import { exitCodeOfSignal, type StopSignal, watchStopSignals } from '../stop-signals.ts';
import { checkThreadsOption, fastMathHelp, type ThreadsOptions, threadsOption } from '../threads-option.ts';
import { openData, type TrainingData } from '../train-data.ts';
import { createTrainLog, type LogFormat } from '../train-log.ts';
import { type Evaluation, trainLoop, updatesOf } from '../train-loop.ts';
import { addUpdateOptions, learningRateOf, type UpdateOptions } from '../update-options.ts';

interface TrainCommandOptions extends CommandOptions, UpdateOptions, ThreadsOptions {
  readonly data: string;
  readonly steps: number;
  readonly shuffle: boolean;
  readonly evalData?: string;
  readonly evalEvery?: number;
  readonly evalBatches: number;
  readonly save?: string;
  readonly saveEvery?: number;
  readonly resume?: string;
  readonly saveOnnx?: string;
  readonly log?: LogFormat;
}

export function addTrainCommand(program: Command): void {
  const command = program
    .command('train')
    .summary('train a model')
    .description('Trains MODEL (.onnx, .ir, or a module that exports one, which is run) on batches of data.')
    .argument('<MODEL>');
  addUpdateOptions(addPlanOptions(addModelOptions(command)))
    .requiredOption(
      '--data <DATA>',
      'a folder of TensorProto batches, .npy files (x.npy,labels.npy), or a module, which is run',
    )
    .requiredOption('--steps <N>', 'updates in the end, those before a resume included', wholeNumber(1))
    .option('--no-shuffle', 'take batches of folders and .npy files as they come')
    .option('--eval-data <DATA>', 'batches to evaluate on, as --data')
    .option('--eval-every <N>', 'evaluate each N updates', wholeNumber(1))
    .option('--eval-batches <N>', 'most batches an evaluation', wholeNumber(1), 16)
    .option(
      '--save <FILE>',
      'write a checkpoint (safetensors) at the end, and at Ctrl-C (then exit 130) or SIGTERM (143)',
    )
    .option('--save-every <N>', 'and each N updates', wholeNumber(1))
    .option('--resume <FILE>', 'go on from a checkpoint')
    .option('--save-onnx <FILE>', 'write MODEL with its trained weights')
    .addOption(new Option('--backend <NAME>', 'kernels').choices(['auto', 'wasm', 'js']).default('auto'))
    .addOption(threadsOption())
    .option('--fast-math', fastMathHelp, false)
    .addOption(new Option('--log <FORMAT>', 'a line a step, also on a terminal').choices(['csv', 'jsonl']))
    .action(async (path: string, options: TrainCommandOptions) => train(path, options));
}

async function train(path: string, options: TrainCommandOptions): Promise<void> {
  checkOptions(path, options);
  checkThreadsOption(options);
  const targets = [options.save, options.saveOnnx].filter((target) => target !== undefined);
  for (const target of targets) assertWritable(target);
  const prepared = await prepareModel(path, options);
  if (prepared.losses.length === 0)
    throw new SublinearError({
      code: 'comes-differentiated',
      message: `${path} comes differentiated, and names no loss to train by`,
      hint: 'train the forward graph it was made from',
    });
  const own = await compileOptions(prepared, { ...options, optimizer: options.optimizer ?? 'sgd' });
  const step = checkpoint(prepared.model, {
    ...own,
    seed: options.seed,
    backend: options.backend,
    threads: options.threads,
    fastMath: options.fastMath,
  });
  if (step.compiled.update === undefined)
    throw new SublinearError(
      {
        code: 'no-optimizer',
        message: 'the pipeline of --passes compiles no update in',
        hint: 'add optimize{kind=sgd}',
      },
      2,
    );
  if (options.resume !== undefined) step.load(options.resume);
  const notes: Diagnostic[] = [...prepared.notes];
  if (step.notice !== undefined) notes.push({ code: 'backend', message: step.notice });
  if (options.clipNorm !== undefined) {
    const cost = clipCost(prepared.model, own, step.compiled.figures.arenaBytes);
    notes.push({
      code: 'clipping-cost',
      message: `clipping by norm needs all gradients at once: an arena of ${formatBytes(cost.arenaBytes)}, against ${formatBytes(cost.arenaBytesWithout)} without`,
    });
  }
  const rng = rngInputOf(prepared.model.graph);
  const inputs = prepared.model.graph.inputs.filter((input) => input.name !== rng?.name);
  const shuffled = { shuffleSeed: options.shuffle ? step.seed : undefined };
  const data = await openData(options.data, inputs, shuffled);
  const evaluation = await openEvaluation(options, data, inputs, notes);
  printNotes(notes);

  const signals = watchStopSignals();
  try {
    const about = { steps: options.steps, first: updatesOf(step), peakBytes: step.memory.peakBytes };
    await trainLoop(step, data.batches, createTrainLog(process.stdout, options.log, about), {
      steps: options.steps,
      learningRate: learningRateOf(options, step.compiled.update.optimizer),
      evalEvery: options.evalEvery,
      evaluation,
      saveEvery: options.saveEvery,
      save: () => step.save(options.save),
      // A training that nobody sees and nothing is kept of is done.
      stopped: () => signals.received() !== undefined || (outputIsClosed() && targets.length === 0),
    });
    writeFilesAtomically(outcome(path, options, step));
  } finally {
    signals.close();
    step.close();
  }
  const signal = signals.received();
  if (signal !== undefined) throw stopped(signal, step, options);
}

/** The files that a training ends with. */
function outcome(path: string, { save, saveOnnx }: TrainCommandOptions, step: TrainingStep): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  if (save !== undefined) files.set(save, step.save());
  if (saveOnnx !== undefined) files.set(saveOnnx, trainedOnnx(path, step));
  return files;
}

function stopped(signal: StopSignal, step: TrainingStep, { save }: TrainCommandOptions): SublinearError {
  const goesOn = save === undefined ? '' : `; --resume ${save} goes on from there`;
  const message = `stopped after step ${updatesOf(step)}${goesOn}`;
  return new SublinearError({ code: 'interrupted', message }, exitCodeOfSignal[signal]);
}

function checkOptions(path: string, options: TrainCommandOptions): void {
  const wrong = (message: string, hint: string): never => {
    throw new SublinearError({ code: 'bad-option', message, hint }, 2);
  };
  if (options.saveOnnx !== undefined && extname(path).toLowerCase() !== '.onnx')
    wrong(`--save-onnx needs a model that is an ONNX file, and ${path} is none`, '--save writes weights of any model');
  if (options.saveEvery !== undefined && options.save === undefined)
    wrong('--save-every needs a place to save to', 'add --save FILE.safetensors');
  if (options.evalData !== undefined && options.evalEvery === undefined)
    wrong('--eval-data means nothing without --eval-every', 'add --eval-every N');
}

async function openEvaluation(
  options: TrainCommandOptions,
  data: TrainingData,
  inputs: Parameters<typeof openData>[1],
  notes: Diagnostic[],
): Promise<Evaluation | undefined> {
  if (options.evalEvery === undefined) return undefined;
  const held = options.evalData === undefined ? undefined : await openData(options.evalData, inputs, inOrder);
  let source = held?.evaluation ?? held?.batches ?? data.evaluation;
  if (source === undefined) {
    notes.push({
      code: 'evaluation-on-training-data',
      message: 'no data for evaluation were given: it is done on the first batches of the training data',
      hint: 'give some with --eval-data, or export `evaluation` from the module of data',
    });
    source = (await openData(options.data, inputs, inOrder)).batches;
  }
  return { source, count: Math.min(options.evalBatches, source.count ?? options.evalBatches) };
}

const inOrder = { shuffleSeed: undefined };

function trainedOnnx(path: string, step: TrainingStep): Uint8Array {
  const { parameters, state } = step.compiled.program;
  const weights = new Map(
    [...parameters, ...state].map((slot): [string, Tensor] => {
      const data = step.parameters[slot.name] ?? step.state[slot.name]!;
      return [slot.name, { type: { dtype: slot.dtype, shape: slot.shape }, data }];
    }),
  );
  return saveOnnx(readBytes(path, 'the model'), weights).bytes;
}
