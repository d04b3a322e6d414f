/** `sublinear run MODEL`: compiles a step, runs it, and (with --compare) holds it against ordinary backpropagation. */
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { parsePipeline, printPipeline } from '../../../passes/pipeline.ts';
import { collapse } from '../../analysis/collapse.ts';
import { printCostsFile } from '../../analysis/costs-file.ts';
import { parsePlanFile, planFromFile } from '../../codegen/plan-file.ts';
import { type Compiled, type CompileOptions, compile, compileWithPlan } from '../../compile.ts';
import { gradientSlots } from '../../execution.ts';
import { escapeFileName } from '../../files/escape-file-name.ts';
import { readText } from '../../files/read-file.ts';
import { assertFolderWritable, assertWritable, writeFilesAtomically } from '../../files/write-file.ts';
import { writeTensorProto } from '../../frontend/tensor-proto.ts';
import { explainCompiled } from '../../inspect/explain-compiled.ts';
import { formatBytes } from '../../inspect/format-bytes.ts';
import { SublinearError } from '../../ir/diagnostic.ts';
import type { Model } from '../../ir/graph.ts';
import { budgetForThreads } from '../../thread-budget.ts';
import { type CommandOptions, checkPassNames, compileOptions, optionNotes } from '../compile-for.ts';
import { describeExplained } from '../explain.ts';
import { formatChange, formatFlops, formatSeconds, formatTable } from '../format.ts';
import { addModelOptions, addPlanOptions, wholeNumber } from '../options.ts';
import { prepareModel } from '../prepare-model.ts';
import { printNotes, printOutput } from '../print-notes.ts';
import { describeProfile, type Profile, profileReport, profileStep } from '../profile.ts';
import { backendNotes, compareRuns, executeAll, lossNotes, type RunResult } from '../run-step.ts';
import { stepInputs } from '../step-inputs.ts';
import { checkThreadsOption, fastMathHelp, type ThreadsOptions, threadsOption } from '../threads-option.ts';
import { addUpdateOptions, withLearningRate } from '../update-options.ts';

interface RunCommandOptions extends CommandOptions, ThreadsOptions {
  readonly inputs?: string;
  readonly steps: number;
  readonly gradients?: string;
  readonly outputs?: string;
  readonly plan?: string;
  readonly profile?: string;
  readonly explain?: boolean;
  readonly compare?: boolean;
  readonly json?: boolean;
}

export function addRunCommand(program: Command): void {
  const command = program
    .command('run')
    .summary('run a training step and measure it')
    .description('Compiles the training step of MODEL and runs it on given or drawn inputs.')
    .argument('<MODEL>');
  addUpdateOptions(addPlanOptions(addModelOptions(command)))
    .option('--inputs <DIR>', 'folder of input_i.pb (and cotangent_i.pb) TensorProto files; drawn by seed otherwise')
    .option('--steps <N>', 'how many steps to run', wholeNumber(1), 1)
    .option('--gradients <DIR>', 'write each gradient as grad_NAME.pb')
    .option('--outputs <DIR>', 'write each other output as output_i.pb')
    .addOption(
      new Option('--plan <FILE>', 'replay a plan file instead of planning').conflicts([
        'strategy',
        'segments',
        'checkpoint',
        'costs',
      ]),
    )
    .addOption(
      new Option('--backend <NAME>', 'kernels: auto takes WebAssembly where it can')
        .choices(['auto', 'wasm', 'js'])
        .default('auto'),
    )
    .addOption(threadsOption())
    .option('--fast-math', fastMathHelp, false)
    .option('--profile <FILE>', 'measure each kind of node, and write the costs there, for --costs')
    .option('--explain', 'say of each value why it is kept or recomputed')
    .option('--compare', 'also run without recomputation, and compare bit for bit')
    .option('--json', 'print one JSON document')
    .action(async (path: string, options: RunCommandOptions) => {
      checkThreadsOption(options);
      checkTargets(options);
      const prepared = await prepareModel(path, options);
      const { tensors, notes } = stepInputs(prepared.model.graph, prepared.given, options.seed);
      printNotes([...prepared.notes, ...optionNotes(prepared.model.graph, options), ...notes]);
      const own = budgetForThreads(prepared.model, await compileOptions(prepared, options), options.threads);
      checkPassNames(prepared.model.graph, own, options);
      const { plan: planPath } = options;
      const compiled =
        planPath === undefined
          ? compile(prepared.model, own)
          : compileWithPlan(prepared.model, own, (planned) =>
              planFromFile(parsePlanFile(readText(planPath, 'the plan'), planPath), planned, planPath),
            );
      const compared = options.compare === true ? [compileBaseline(prepared.model, own)] : [];
      const explanation = options.explain === true ? explainCompiled(compiled) : undefined;
      const inputs = withLearningRate(tensors, compiled, options);
      const results = executeAll([compiled, ...compared], inputs, options);
      const [result, baseline] = results;
      if (result === undefined) return;
      printNotes([...backendNotes(results), ...lossNotes(result, notes)]);
      const differences = baseline === undefined ? [] : compareRuns(result, baseline);
      const profile = options.profile === undefined ? undefined : profileStep(compiled, inputs, options);
      writeResults(result, options, profile, prepared.declaredOutputs);
      printOutput(
        options.json === true
          ? `${JSON.stringify({ ...runReport(path, result, baseline, differences), ...(profile && { profile: profileReport(profile, options.profile!) }), ...(explanation && { explanation }) }, null, 1)}\n`
          : describeRun(path, result, baseline, differences) +
              (explanation ? describeExplained(explanation, compiled.plan) : '') +
              (profile ? describeProfile(profile, options.profile!) : ''),
      );
      if (differences.length > 0)
        throw new SublinearError(
          {
            code: 'not-bitwise-equal',
            message: `recomputation changed ${differences.slice(0, 5).join(', ')}`,
            hint: 'this is a bug of sublinear: please report it with the model',
          },
          70,
        );
    });
}

/** The same step by ordinary backpropagation. A graph that comes rewritten is collapsed first. */
function compileBaseline(model: Model, own: CompileOptions): Compiled {
  const rewritten = model.graph.nodes.some((node) => node.recompute !== undefined);
  const { pipeline, ...options } = own;
  const stages = pipeline === undefined ? [] : parsePipeline(pipeline);
  const plain = stages.map(({ pass, options }) => ({
    pass,
    options: pass === 'plan' ? { strategy: 'none' } : options,
  }));
  return compile(rewritten ? { ...model, graph: collapse(model.graph) } : model, {
    ...options,
    strategy: 'none',
    strategyOptions: {},
    ...(pipeline !== undefined && !rewritten && { pipeline: printPipeline(plain) }),
  });
}

/** Throws `SublinearError` for what could not be written, before the step is planned and run. */
function checkTargets({ gradients, outputs, profile }: RunCommandOptions): void {
  if (profile !== undefined) assertWritable(profile);
  if (gradients !== undefined) assertFolderWritable(gradients);
  if (outputs !== undefined) assertWritable(join(outputs, 'output_0.pb'));
}

/** Outputs are numbered as in the model's file, those that were left out too; what the step adds comes after. */
function writeResults(
  result: RunResult,
  options: RunCommandOptions,
  profile: Profile | undefined,
  declaredOutputs: readonly string[],
): void {
  const files = new Map<string, string | Uint8Array>();
  if (profile !== undefined) files.set(options.profile!, printCostsFile(profile.file));
  const { gradients, outputs } = options;
  if (gradients !== undefined)
    for (const slot of gradientSlots(result.compiled)) {
      const { name, of: primal = name } = slot;
      const path = join(gradients, `grad_${escapeFileName(primal)}.pb`);
      files.set(path, writeTensorProto(primal, result.outputs.get(name)!));
    }
  if (outputs !== undefined) {
    const plain = result.compiled.program.outputs.filter((slot) => slot.of === undefined).map(({ name }) => name);
    const numbered = [...declaredOutputs, ...plain.filter((name) => !declaredOutputs.includes(name))];
    numbered.forEach((name, i) => {
      const tensor = plain.includes(name) ? result.outputs.get(name) : undefined;
      if (tensor !== undefined) files.set(join(outputs, `output_${i}.pb`), writeTensorProto(name, tensor));
    });
  }
  writeFilesAtomically(files);
}

export function runReport(
  path: string,
  result: RunResult,
  baseline: RunResult | undefined,
  differences: readonly string[],
): object {
  const { figures, plan } = result.compiled;
  return {
    model: path,
    strategy: plan.strategy,
    nodes: figures.nodes,
    recomputedNodes: figures.recomputedNodes,
    loss: result.loss ?? null,
    residentBytes: figures.residentBytes,
    liveBytes: figures.liveBytes,
    arenaBytes: figures.arenaBytes,
    ...(result.threads > 1 && { threads: result.threads, threadBytes: result.threadBytes }),
    peakBytes: result.peakBytes,
    measuredArenaBytes: result.measuredArenaBytes,
    flops: figures.flops,
    recomputeFlops: figures.recomputeFlops,
    cost: figures.cost,
    recomputeCost: figures.recomputeCost,
    seconds: result.seconds,
    ...(plan.stopped === true && { stopped: true }),
    ...(baseline !== undefined && {
      baseline: {
        arenaBytes: baseline.compiled.figures.arenaBytes,
        peakBytes: baseline.peakBytes,
        flops: baseline.compiled.figures.flops,
        seconds: baseline.seconds,
      },
      bitwiseEqual: differences.length === 0,
    }),
  };
}

export function describeRun(
  path: string,
  result: RunResult,
  baseline: RunResult | undefined,
  differences: readonly string[],
): string {
  const { figures, plan } = result.compiled;
  const line = (name: string, format: (value: number) => string, of: (run: RunResult) => number): string[] => {
    const own = of(result);
    if (baseline === undefined) return [name, format(own)];
    return [name, format(of(baseline)), format(own), formatChange(own, of(baseline))];
  };
  const rows = [
    baseline === undefined ? ['', plan.strategy] : ['', 'none', plan.strategy, 'change'],
    line('resident', formatBytes, (run) => run.compiled.figures.residentBytes),
    line('arena', formatBytes, (run) => run.compiled.figures.arenaBytes),
    line('measured arena', formatBytes, (run) => run.measuredArenaBytes),
    ...(result.threads > 1 ? [line(`${result.threads} threads`, formatBytes, (run) => run.threadBytes)] : []),
    line('peak', formatBytes, (run) => run.peakBytes),
    line('flops', formatFlops, (run) => run.compiled.figures.flops),
    line('seconds', formatSeconds, (run) => run.seconds),
  ];
  const lines = [
    `${path}: ${figures.nodes} nodes, ${figures.recomputedNodes} recomputed${result.loss === undefined ? '' : `, loss ${result.loss}`}`,
    formatTable(rows, '  '),
  ];
  if (baseline !== undefined)
    lines.push(
      differences.length === 0
        ? 'loss, gradients and state are equal bit for bit'
        : `NOT EQUAL: ${differences.join(', ')}`,
    );
  return `${lines.join('\n')}\n`;
}
