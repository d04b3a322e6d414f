/** `sublinear run MODEL`: compiles a step, runs it, and (with --compare) holds it against ordinary backpropagation. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { parsePlanFile, planFromFile } from '../../codegen/plan-file.ts';
import { type Compiled, compile, compileWithPlan } from '../../compile.ts';
import { bitwiseDifferences, createExecution, type Execution, gradientSlots } from '../../execution.ts';
import { writeTensorProto } from '../../frontend/tensor-proto.ts';
import { formatBytes } from '../../inspect/format-bytes.ts';
import { SublinearError } from '../../ir/diagnostic.ts';
import type { Tensor } from '../../ir/graph.ts';
import { type CommandOptions, compileOptions } from '../compile-for.ts';
import { formatChange, formatFlops, formatSeconds, formatTable } from '../format.ts';
import { addModelOptions, addPlanOptions, wholeNumber } from '../options.ts';
import { prepareModel } from '../prepare-model.ts';
import { printNotes } from '../print-notes.ts';
import { readText } from '../read-file.ts';
import { stepInputs } from '../step-inputs.ts';
import { escapeFileName, writeFileAtomically } from '../write-file.ts';

interface RunCommandOptions extends CommandOptions {
  readonly inputs?: string;
  readonly steps: number;
  readonly gradients?: string;
  readonly outputs?: string;
  readonly plan?: string;
  readonly compare?: boolean;
  readonly json?: boolean;
}

export function addRunCommand(program: Command): void {
  const command = program
    .command('run')
    .summary('run a training step and measure it')
    .description('Compiles the training step of MODEL and runs it on given or drawn inputs.')
    .argument('<MODEL>');
  addPlanOptions(addModelOptions(command))
    .option('--inputs <DIR>', 'folder of input_i.pb (and cotangent_i.pb) TensorProto files; drawn by seed otherwise')
    .option('--steps <N>', 'how many steps to run', wholeNumber(1), 1)
    .option('--gradients <DIR>', 'write each gradient as grad_NAME.pb')
    .option('--outputs <DIR>', 'write each other output as output_i.pb')
    .option('--plan <FILE>', 'replay a plan file instead of planning')
    .option('--compare', 'also run without recomputation, and compare bit for bit')
    .option('--json', 'print one JSON document')
    .action(async (path: string, options: RunCommandOptions) => {
      const prepared = await prepareModel(path, options);
      const { tensors, notes } = stepInputs(prepared.model.graph, prepared.given, options.seed);
      printNotes([...prepared.notes, ...notes]);
      const own = compileOptions(prepared, options);
      const compiled =
        options.plan === undefined
          ? compile(prepared.model, own)
          : compileWithPlan(prepared.model, own, (planned) =>
              planFromFile(parsePlanFile(readText(options.plan!, 'the plan'), options.plan!), planned, options.plan!),
            );
      const result = execute(compiled, tensors, options);
      const baseline =
        options.compare === true
          ? execute(compile(prepared.model, { ...own, strategy: 'none', strategyOptions: {} }), tensors, options)
          : undefined;
      const differences = baseline === undefined ? [] : compareRuns(result, baseline);
      writeResults(result, options);
      const report = runReport(path, result, baseline, differences);
      process.stdout.write(
        options.json === true
          ? `${JSON.stringify(report, null, 1)}\n`
          : describeRun(path, result, baseline, differences),
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

export interface RunResult {
  readonly compiled: Compiled;
  readonly execution: Execution;
  readonly outputs: ReadonlyMap<string, Tensor>;
  readonly state: ReadonlyMap<string, Tensor>;
  readonly loss: number | undefined;
  /** Median of the steps. */
  readonly seconds: number;
  readonly measuredArenaBytes: number;
}

export function execute(
  compiled: Compiled,
  tensors: ReadonlyMap<string, Tensor>,
  options: { readonly steps: number; readonly seed: number },
): RunResult {
  const execution = createExecution(compiled, { seed: options.seed });
  execution.setInputs(tensors);
  const measuredArenaBytes = execution.machine.measureArena();
  execution.reset();
  const times: number[] = [];
  for (let step = 0; step < options.steps; step++) {
    execution.setRandom(options.seed, step);
    const started = performance.now();
    execution.machine.run();
    times.push((performance.now() - started) / 1000);
  }
  times.sort((a, b) => a - b);
  const outputs = execution.outputs();
  const lossOutput = compiled.graph.outputs.find((output) => compiled.losses.includes(output.value));
  return {
    compiled,
    execution,
    outputs,
    state: execution.state(),
    loss: lossOutput === undefined ? undefined : outputs.get(lossOutput.name)?.data[0],
    seconds: times[Math.floor(times.length / 2)]!,
    measuredArenaBytes,
  };
}

export function compareRuns(a: RunResult, b: RunResult): readonly string[] {
  return [...bitwiseDifferences(a.outputs, b.outputs), ...bitwiseDifferences(a.state, b.state)];
}

function writeResults(result: RunResult, options: RunCommandOptions): void {
  if (options.gradients !== undefined)
    for (const slot of gradientSlots(result.compiled)) {
      const tensor = result.outputs.get(slot.name)!;
      writeFileAtomically(
        join(options.gradients, `grad_${escapeFileName(slot.of!)}.pb`),
        writeTensorProto(slot.of!, tensor),
      );
    }
  if (options.outputs !== undefined)
    result.compiled.program.outputs
      .filter((slot) => slot.of === undefined)
      .forEach((slot, i) => {
        const bytes = writeTensorProto(slot.name, result.outputs.get(slot.name)!);
        writeFileAtomically(join(options.outputs!, `output_${i}.pb`), bytes);
      });
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
    loss: result.loss,
    residentBytes: figures.residentBytes,
    liveBytes: figures.liveBytes,
    arenaBytes: figures.arenaBytes,
    peakBytes: figures.peakBytes,
    measuredArenaBytes: result.measuredArenaBytes,
    flops: figures.flops,
    recomputeFlops: figures.recomputeFlops,
    cost: figures.cost,
    recomputeCost: figures.recomputeCost,
    seconds: result.seconds,
    ...(baseline !== undefined && {
      baseline: {
        arenaBytes: baseline.compiled.figures.arenaBytes,
        peakBytes: baseline.compiled.figures.peakBytes,
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
    line('peak', formatBytes, (run) => run.compiled.figures.peakBytes),
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
