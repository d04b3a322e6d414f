/** `sublinear inspect MODEL`: what is in a model, what would be trained and why, and what backward would keep. */
import type { Command } from 'commander';
import { gradientSelection } from '../../../passes/passes.ts';
import { activationFigures, residentFigures } from '../../analysis/figures.ts';
import { type GradientChoice, selectGradients } from '../../analysis/select-gradients.ts';
import { compile } from '../../compile.ts';
import { attachLoss, parseLoss } from '../../frontend/loss.ts';
import { formatBytes } from '../../inspect/format-bytes.ts';
import { SublinearError } from '../../ir/diagnostic.ts';
import { formatType, type Model, valuesByName } from '../../ir/graph.ts';
import { applyWeights } from '../apply-weights.ts';
import { formatFlops, formatTable } from '../format.ts';
import { loadModel } from '../load-model.ts';
import { addModelOptions, type ModelOptions } from '../options.ts';
import { printNotes } from '../print-notes.ts';

interface InspectOptions extends ModelOptions {
  readonly json?: boolean;
}

export function addInspectCommand(program: Command): void {
  const command = program
    .command('inspect')
    .summary('show what is in a model and what training it keeps')
    .description('Shows the inputs, outputs, operators, gradients and bytes of MODEL.')
    .argument('<MODEL>');
  addModelOptions(command)
    .option('--json', 'print one JSON document')
    .action(async (path: string, options: InspectOptions) => {
      const loaded = await loadModel(path, { dims: options.dim, params: options.params });
      printNotes(loaded.notes);
      const model =
        options.weights === undefined
          ? loaded.model
          : applyWeights(loaded.model, options.weights, options.seed, loaded.placeholders);
      const inspection = inspectModel(model, options);
      process.stdout.write(
        options.json === true
          ? `${JSON.stringify({ model: path, ...inspection }, null, 1)}\n`
          : describe(path, inspection),
      );
    });
}

interface Inspection {
  readonly name: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
  readonly operators: Readonly<Record<string, number>>;
  readonly nodes: number;
  readonly resident: ReturnType<typeof residentFigures>;
  /** Results of forward nodes, bytes. */
  readonly activationBytes: number;
  /** Of those, what backward reads; null where there is no loss. */
  readonly keptBytes: number | null;
  /** Arena of ordinary backpropagation; null where there is no loss. */
  readonly arenaBytes: number | null;
  readonly flops: number | null;
  readonly loss: string | null;
  readonly noLoss?: string;
  readonly gradients: readonly {
    readonly name: string;
    readonly type: string;
    readonly chosen: boolean;
    readonly reason: string;
  }[];
}

/** A model without a loss is shown too: then there is nothing backward would keep. */
export function inspectModel(
  model: Model,
  options: Pick<InspectOptions, 'loss' | 'wrt' | 'freeze' | 'trainable'>,
): Inspection {
  const { graph } = model;
  const values = valuesByName(graph);
  const forward = activationFigures(graph);
  const operators: Record<string, number> = {};
  for (const node of graph.nodes) operators[node.op] = (operators[node.op] ?? 0) + 1;
  const base = {
    name: graph.name,
    inputs: Object.fromEntries(graph.inputs.map((value) => [value.name, formatType(value.type)])),
    outputs: Object.fromEntries(
      graph.outputs.map((output) => [output.name, formatType(values.get(output.value)!.type)]),
    ),
    operators,
    nodes: graph.nodes.length,
    resident: residentFigures(graph),
    activationBytes: forward.activations,
  };
  let choices: readonly GradientChoice[] = [];
  try {
    const withLoss = attachLoss(model, options.loss === undefined ? undefined : parseLoss(options.loss, graph));
    const selection = gradientSelection({ wrt: options.wrt, freeze: options.freeze, trainable: options.trainable });
    choices = selectGradients(withLoss.model.graph, [withLoss.loss], selection);
    const compiled = compile(withLoss.model, {
      losses: [withLoss.loss],
      strategy: 'none',
      wrt: selection.wrt ?? 'parameters',
      freeze: options.freeze,
      trainable: options.trainable,
    });
    return {
      ...base,
      keptBytes: activationFigures(compiled.planned).kept,
      arenaBytes: compiled.figures.arenaBytes,
      flops: compiled.figures.flops,
      loss: withLoss.loss,
      gradients: choices.map(describeChoice),
    };
  } catch (error) {
    if (!(error instanceof SublinearError) || options.loss !== undefined) throw error;
    const reason = error.diagnostics[0]?.message ?? error.message;
    return {
      ...base,
      keptBytes: null,
      arenaBytes: null,
      flops: null,
      loss: null,
      noLoss: reason,
      gradients: choices.map(describeChoice),
    };
  }
}

function describeChoice(choice: GradientChoice): Inspection['gradients'][number] {
  return { name: choice.value.name, type: formatType(choice.value.type), chosen: choice.chosen, reason: choice.reason };
}

function describe(path: string, inspection: Inspection): string {
  const entries = (record: Readonly<Record<string, string | number>>): string =>
    Object.entries(record)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ');
  const { resident } = inspection;
  const lines = [
    `${path}: graph ${inspection.name}, ${inspection.nodes} nodes`,
    `  inputs      ${entries(inspection.inputs)}`,
    `  outputs     ${entries(inspection.outputs)}`,
    `  operators   ${entries(inspection.operators)}`,
    `  parameters  ${formatBytes(resident.parameters)} resident`,
    `  activations ${exactBytes(inspection.activationBytes)} (results of forward nodes)`,
  ];
  if (inspection.keptBytes !== null)
    lines.push(
      `  kept        ${exactBytes(inspection.keptBytes)} of them are read by backward: what ordinary training keeps`,
      `  arena       ${formatBytes(inspection.arenaBytes ?? 0)} for ordinary training, gradients included`,
      `  flops       ${formatFlops(inspection.flops ?? 0)} a step`,
      `  loss        ${inspection.loss}`,
    );
  else lines.push(`  loss        none: ${inspection.noLoss}`);
  if (inspection.gradients.length > 0) {
    lines.push('  gradients');
    lines.push(
      formatTable(
        inspection.gradients.map((choice) => [
          choice.chosen ? `+ ${choice.name}` : `- ${choice.name}`,
          choice.type,
          choice.reason,
        ]),
        '    ',
      ),
    );
  }
  return `${lines.join('\n')}\n`;
}

function exactBytes(bytes: number): string {
  return bytes < 1024 ? `${bytes} bytes` : `${formatBytes(bytes)} (${bytes} bytes)`;
}
