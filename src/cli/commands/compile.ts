/** `sublinear compile MODEL`: plans and rewrites a step, prints its figures, writes what --emit asks for. */
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import type { Compilation } from '../../../passes/pass.ts';
import type { Backend } from '../../../runtime/select-backend.ts';
import { activationFigures, residentFigures } from '../../analysis/figures.ts';
import { type Compiled, finishCompilation, runCompilation } from '../../compile.ts';
import { explainCompiled } from '../../inspect/explain-compiled.ts';
import { formatBytes } from '../../inspect/format-bytes.ts';
import { SublinearError } from '../../ir/diagnostic.ts';
import { type CommandOptions, checkPassNames, compileOptions, optionNotes } from '../compile-for.ts';
import { assertEmittable, emitText, emitters, parseEmit, writeEmitted, writeInto } from '../emit.ts';
import { describeExplained } from '../explain.ts';
import { formatFlops, formatTable } from '../format.ts';
import { addModelOptions, addPlanOptions } from '../options.ts';
import { prepareModel } from '../prepare-model.ts';
import { printNotes, printOutput } from '../print-notes.ts';
import { addUpdateOptions } from '../update-options.ts';

interface CompileCommandOptions extends CommandOptions {
  readonly emit?: string;
  readonly output: string;
  readonly runtime: 'inline' | 'import';
  readonly backend: Backend;
  readonly check?: boolean;
  readonly explain?: boolean;
  readonly json?: boolean;
}

export function addCompileCommand(program: Command): void {
  const command = program
    .command('compile')
    .summary('plan and rewrite a training step')
    .description(
      'Plans and rewrites the training step of MODEL (.onnx, .ir, or a module that exports one, which is run).',
    )
    .argument('<MODEL>');
  addUpdateOptions(addPlanOptions(addModelOptions(command)))
    .option('--emit <KINDS>', `files to write, with commas: ${Object.keys(emitters).join(', ')}`)
    .option('-o, --output <DIR>', 'where to write them', 'out')
    .addOption(
      new Option('--runtime <HOW>', 'ts: carry the kernels inside the module, or import them from the package')
        .choices(['inline', 'import'])
        .default('inline'),
    )
    .addOption(
      new Option('--backend <NAME>', 'ts: plain TypeScript kernels, or WebAssembly where there are such')
        .choices(['js', 'wasm'])
        .default('js'),
    )
    .option('--check', 'ts: type-check the module before it is written')
    .option('--explain', 'say of each value why it is kept or recomputed')
    .option('--json', 'print one JSON document')
    .action(async (path: string, options: CompileCommandOptions, called: Command) => {
      const kinds = parseEmit(options.emit);
      checkUsed(kinds, called);
      assertEmittable(kinds, options.output);
      const prepared = await prepareModel(path, options);
      printNotes([...prepared.notes, ...optionNotes(prepared.model.graph, options)]);
      const own = await compileOptions(prepared, options);
      checkPassNames(prepared.model.graph, own, options);
      const { compilation, pipeline } = runCompilation(prepared.model, own);
      const isWhole = compilation.plan !== undefined && compilation.memory !== undefined;
      if (isWhole || kinds.some((kind) => kind !== 'ir')) {
        const compiled = finishCompilation(compilation, pipeline);
        const explanation = options.explain === true ? explainCompiled(compiled) : undefined;
        const files = await writeEmitted(compiled, kinds, options.output, {
          runtime: options.runtime,
          backend: options.backend,
          check: options.check === true,
          how: describeCall(path, called),
        });
        const report = { ...compileReport(path, compiled, files), ...(explanation && { explanation }) };
        const explained = explanation && describeExplained(explanation, compiled.plan).trimEnd();
        print(options, report, [describeCompiled(path, compiled), ...(explained ? [explained] : [])].join('\n'), files);
      } else {
        const files = kinds.length === 0 ? [] : writeInto(options.output, emitText(compilation.model));
        const report = partReport(path, compilation, pipeline, files);
        print(options, report, describePart(path, compilation, options), files);
      }
    });
}

/** Options that are about one kind of file only; `output` is about all of them. */
const onlyFor: Readonly<Record<string, string>> = { runtime: 'ts', backend: 'ts', check: 'ts' };

/** Throws `SublinearError` (exit code 2) for options about files that are not asked for. */
function checkUsed(kinds: readonly string[], called: Command): void {
  const idle = called.options.filter((option) => {
    const name = option.attributeName();
    if (called.getOptionValueSource(name) !== 'cli') return false;
    return name === 'output' ? kinds.length === 0 : name in onlyFor && !kinds.includes(onlyFor[name]!);
  });
  if (idle.length === 0) return;
  throw new SublinearError(
    idle.map((option) => {
      const needed = ['--emit', onlyFor[option.attributeName()] ?? 'KINDS'].join(' ');
      return {
        code: 'option-without-emit',
        message: `${option.long} means nothing without ${needed}`,
        hint: `add ${needed}, or leave ${option.long} out`,
      };
    }),
    2,
  );
}

/** What does not change what is made. */
const silent: ReadonlySet<string> = new Set(
  'emit output repro check explain json timings printAfter verify'.split(' '),
);

/** The command line that makes the same step again, for the head of an emitted module; folders are left out. */
function describeCall(path: string, called: Command): string {
  const words = called.options.flatMap((option) => {
    const name = option.attributeName();
    if (silent.has(name) || called.getOptionValueSource(name) !== 'cli') return [];
    const value: unknown = called.getOptionValue(name);
    const flag = option.long ?? option.short ?? name;
    if (value === true) return [flag];
    if (Array.isArray(value)) return value.map((one) => `${flag} ${basename(String(one))}`);
    if (typeof value === 'object' && value !== null)
      return Object.entries(value).map(([key, one]) => `${flag} ${key}=${String(one)}`);
    return [`${flag} ${basename(String(value))}`];
  });
  return ['sublinear compile', basename(path), ...words, '--emit ts'].join(' ');
}

function print(options: CompileCommandOptions, report: object, text: string, files: readonly string[]): void {
  printOutput(
    options.json === true
      ? `${JSON.stringify(report, null, 1)}\n`
      : `${text}\n${files.map((file) => `wrote ${file}\n`).join('')}`,
  );
}

/** What a pipeline that ends before there is a step has made so far. */
function partReport(path: string, { model, plan }: Compilation, pipeline: string, files: readonly string[]): object {
  return {
    model: path,
    pipeline,
    nodes: model.graph.nodes.length,
    ...(plan !== undefined && { strategy: plan.strategy, liveBytes: plan.liveBytes, cost: plan.cost }),
    files,
  };
}

function describePart(path: string, { model, plan }: Compilation, options: CompileCommandOptions): string {
  const counts = (['forward', 'backward', 'update'] as const).flatMap((region) => {
    const count = model.graph.nodes.filter((node) => node.region === region).length;
    return count === 0 ? [] : [`${count} ${region}`];
  });
  const planned = plan === undefined ? '' : `; strategy ${plan.strategy}, live at most ${formatBytes(plan.liveBytes)}`;
  const where =
    options.stopAfter === undefined
      ? 'the pipeline ended before there was a step'
      : `stopped after ${options.stopAfter}`;
  return `${path}, ${where}: ${model.graph.nodes.length} nodes (${counts.join(', ')})${planned}`;
}

function compileReport(path: string, compiled: Compiled, files: readonly string[]): object {
  const { figures, plan } = compiled;
  return {
    model: path,
    strategy: plan.strategy,
    pipeline: compiled.pipeline,
    ...figures,
    resident: residentFigures(compiled.graph),
    baseCost: plan.baseCost,
    lowerBound: plan.lowerBound,
    bound: plan.bound,
    ...(plan.stopped === true && { stopped: true }),
    files,
  };
}

export function describeCompiled(path: string, compiled: Compiled): string {
  const { figures, plan, graph } = compiled;
  const resident = residentFigures(graph);
  const { activations, kept } = activationFigures(compiled.planned);
  const rows = [
    ['nodes', String(figures.nodes), `${figures.recomputedNodes} recomputed`],
    [
      'resident',
      formatBytes(figures.residentBytes),
      `parameters ${formatBytes(resident.parameters)}, inputs ${formatBytes(resident.inputs)}, state ${formatBytes(resident.state)}, constants ${formatBytes(resident.constants)}`,
    ],
    ['arena', formatBytes(figures.arenaBytes), `live at most ${formatBytes(figures.liveBytes)}`],
    ['peak', formatBytes(figures.peakBytes), 'resident + arena'],
    ['activations', formatBytes(activations), `of which ordinary backpropagation keeps ${formatBytes(kept)}`],
    ['flops', formatFlops(figures.flops), `recomputation ${formatFlops(figures.recomputeFlops)}`],
    ['cost', String(figures.cost), `recomputation ${figures.recomputeCost} (${plan.costModel})`],
  ];
  return `${path}, strategy ${plan.strategy}\n${formatTable(
    rows.map(([a, b]) => [a!, b!]),
    '  ',
  )
    .split('\n')
    .map((line, i) => `${line}   ${rows[i]![2]}`)
    .join('\n')}`;
}
