/** `sublinear compile MODEL`: plans and rewrites a step, prints its figures, writes what --emit asks for. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { activationFigures, residentFigures } from '../../analysis/figures.ts';
import { printPlanFile } from '../../codegen/plan-file.ts';
import type { Compiled } from '../../compile.ts';
import { writeSafetensors } from '../../frontend/safetensors.ts';
import { toDot } from '../../inspect/dot.ts';
import { formatBytes } from '../../inspect/format-bytes.ts';
import { SublinearError } from '../../ir/diagnostic.ts';
import { printGraph } from '../../ir/print.ts';
import { type CommandOptions, compileFor } from '../compile-for.ts';
import { formatFlops, formatTable } from '../format.ts';
import { addModelOptions, addPlanOptions } from '../options.ts';
import { prepareModel } from '../prepare-model.ts';
import { printNotes } from '../print-notes.ts';
import { writeFileAtomically } from '../write-file.ts';

interface CompileCommandOptions extends CommandOptions {
  readonly emit?: string;
  readonly output: string;
  readonly json?: boolean;
}

export const emitters: Readonly<Record<string, (compiled: Compiled) => ReadonlyMap<string, string | Uint8Array>>> = {
  ir: (compiled) => {
    const stored = new Map([...compiled.weights].filter(([name]) => !name.startsWith('\u0000')));
    const files = new Map<string, string | Uint8Array>([['step.ir', printGraph(compiled.graph)]]);
    if (stored.size > 0) files.set('step.safetensors', writeSafetensors(stored));
    return files;
  },
  dot: (compiled) => new Map([['step.dot', toDot(compiled.graph)]]),
  plan: (compiled) => new Map([['step.plan.json', printPlanFile(compiled.planned, compiled.plan, compiled.memory)]]),
};

/** The kinds of `--emit`, checked. Throws `SublinearError` (exit code 2). */
export function parseEmit(text: string | undefined): readonly string[] {
  const kinds = (text ?? '')
    .split(',')
    .map((kind) => kind.trim())
    .filter((kind) => kind !== '');
  for (const kind of kinds)
    if (!(kind in emitters))
      throw new SublinearError(
        {
          code: 'unknown-emit',
          message: `--emit ${JSON.stringify(kind)} is unknown`,
          hint: `it takes ${Object.keys(emitters).join(', ')}`,
        },
        2,
      );
  return kinds;
}

/** Makes every file before it writes the first. Returns the paths. */
export function writeEmitted(compiled: Compiled, kinds: readonly string[], directory: string): readonly string[] {
  const files = kinds.flatMap((kind) => [...(emitters[kind]?.(compiled) ?? [])]);
  return files.map(([name, contents]) => {
    const path = join(directory, name);
    writeFileAtomically(path, contents);
    return path;
  });
}

export function addCompileCommand(program: Command): void {
  const command = program
    .command('compile')
    .summary('plan and rewrite a training step')
    .description('Plans and rewrites the training step of MODEL (.onnx, .ir, or a module that exports one).')
    .argument('<MODEL>');
  addPlanOptions(addModelOptions(command))
    .option('--emit <KINDS>', 'files to write: ir, dot, plan (with commas)')
    .option('-o, --output <DIR>', 'where to write them', 'out')
    .option('--json', 'print one JSON document')
    .action(async (path: string, options: CompileCommandOptions) => {
      const kinds = parseEmit(options.emit);
      const prepared = await prepareModel(path, options);
      printNotes(prepared.notes);
      const compiled = compileFor(prepared, options);
      const files = writeEmitted(compiled, kinds, options.output);
      if (options.json === true)
        process.stdout.write(`${JSON.stringify(compileReport(path, compiled, files), null, 1)}\n`);
      else
        process.stdout.write(`${describeCompiled(path, compiled)}\n${files.map((file) => `wrote ${file}\n`).join('')}`);
    });
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
