/** `sublinear inspect MODEL`: what is in a model, what would be trained and why, and what backward would keep. */
import type { Command } from 'commander';
import { gradientSelection } from '../../../passes/passes.ts';
import { activationFigures, residentFigures } from '../../analysis/figures.ts';
import { selectGradients } from '../../analysis/select-gradients.ts';
import { compile } from '../../compile.ts';
import { attachLoss, parseLoss } from '../../frontend/loss.ts';
import { formatBytes } from '../../inspect/format-bytes.ts';
import { type Diagnostic, SublinearError } from '../../ir/diagnostic.ts';
import { formatType, type Model, valuesByName } from '../../ir/graph.ts';
import { onOneLine } from '../../ir/printable.ts';
import { applyWeights } from '../apply-weights.ts';
import { formatFlops, formatTable } from '../format.ts';
import { loadModel } from '../load-model.ts';
import { addModelOptions, loadOptions, type ModelOptions } from '../options.ts';
import { printNotes, printOutput } from '../print-notes.ts';
import { resolveTrainable, type Trainable } from '../trainable-list.ts';

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
      const loaded = await loadModel(path, loadOptions(options));
      printNotes(loaded.notes);
      const model =
        options.weights === undefined
          ? loaded.model
          : applyWeights(loaded.model, options.weights, options.seed, loaded.placeholders);
      const trained = resolveTrainable(options.trainable, model.graph, loaded.aliases ?? new Map());
      const inspection = inspectModel(model, loaded.losses ?? [], { ...options, ...trained });
      if (inspection.notes !== undefined) printNotes(inspection.notes);
      printOutput(
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
  /** Results of forward nodes, bytes; a loss attached here aside. */
  readonly activationBytes: number;
  /** What backward reads of the forward pass; null where there is nothing to differentiate. */
  readonly keptBytes: number | null;
  /** Arena of ordinary backpropagation; null as above. */
  readonly arenaBytes: number | null;
  readonly flops: number | null;
  readonly loss: string | null;
  readonly noLoss?: string;
  /** What stands in for the loss, in the words of `--loss`. */
  readonly assumedLoss?: string | undefined;
  /** What the loss that was asked for has to say. */
  readonly notes?: readonly Diagnostic[];
  readonly gradients: readonly {
    readonly name: string;
    readonly type: string;
    readonly chosen: boolean;
    /** Whether an optimizer changes it: what a list for `--trainable` is read from. */
    readonly trainable: boolean;
    readonly reason: string;
  }[];
}

/**
 * A model that names no loss is shown too, as trained on the sum of its first float output: what backward reads of a
 * model depends little on the loss.
 */
export function inspectModel(
  model: Model,
  ownLosses: readonly string[],
  options: Pick<InspectOptions, 'loss' | 'wrt' | 'freeze'> & Trainable,
): Inspection {
  const { graph } = model;
  const values = valuesByName(graph);
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
  };
  if (graph.nodes.some((node) => node.region === 'backward')) {
    const { planned, figures } = compile(model, { losses: [], strategy: 'none' });
    const { activations, kept } = activationFigures(planned);
    const { arenaBytes, flops } = figures;
    return { ...base, activationBytes: activations, keptBytes: kept, arenaBytes, flops, loss: null, gradients: [] };
  }
  // Without the loss, which a model may have been given here, and as lean as it is trained.
  const lean = compile(model, { losses: [], strategy: 'none' }).planned;
  const found = findLosses(model, ownLosses, options.loss);
  const { freeze, trainable, trainOnly } = options;
  const own = { freeze, trainable, ...(trainOnly !== undefined && { trainOnly }) };
  const selection = gradientSelection({ wrt: options.wrt, ...own });
  const choices = selectGradients(found.model, found.losses, selection);
  const shown = {
    ...base,
    activationBytes: activationFigures(lean).activations,
    loss: found.noLoss === undefined ? found.losses.join(', ') : null,
    ...(found.notes !== undefined && found.notes.length > 0 && { notes: found.notes }),
    ...(found.noLoss !== undefined && { noLoss: found.noLoss, assumedLoss: found.assumed }),
    gradients: choices.map(({ value, chosen, trainable: changes, reason }) => ({
      name: value.name,
      type: formatType(value.type),
      chosen,
      trainable: changes,
      reason,
    })),
  };
  if (found.losses.length === 0 || !choices.some(({ chosen }) => chosen))
    return { ...shown, keptBytes: null, arenaBytes: null, flops: null };
  const { planned, figures } = compile(found.model, {
    losses: found.losses,
    strategy: 'none',
    wrt: selection.wrt ?? 'parameters',
    ...own,
  });
  const { arenaBytes, flops } = figures;
  return { ...shown, keptBytes: activationFigures(planned).kept, arenaBytes, flops };
}

interface FoundLosses {
  readonly model: Model;
  readonly losses: readonly string[];
  readonly notes?: readonly Diagnostic[];
  /** Why the model has none of its own, and what was taken for one. */
  readonly noLoss?: string;
  readonly assumed?: string;
}

function findLosses(model: Model, own: readonly string[], asked: string | undefined): FoundLosses {
  if (asked === undefined && own.length > 0) return { model, losses: own };
  try {
    const attached = attachLoss(model, asked === undefined ? undefined : parseLoss(asked, model.graph));
    return { model: attached.model, losses: [attached.loss], notes: attached.notes };
  } catch (error) {
    if (!(error instanceof SublinearError) || asked !== undefined) throw error;
    const noLoss = error.diagnostics[0]?.message ?? error.message;
    const values = valuesByName(model.graph);
    const output = model.graph.outputs.find(({ value }) => values.get(value)?.type.dtype === 'f32');
    if (output === undefined) return { model, losses: [], noLoss };
    const attached = attachLoss(model, { kind: 'sum', output: output.name });
    return { model: attached.model, losses: [attached.loss], noLoss, assumed: `sum:${output.name}` };
  }
}

function describe(path: string, inspection: Inspection): string {
  const entries = (record: Readonly<Record<string, string | number>>): string =>
    Object.entries(record)
      .map(([name, value]) => `${onOneLine(name)} ${value}`)
      .join(', ');
  const { resident } = inspection;
  const lines = [
    `${path}: graph ${onOneLine(inspection.name)}, ${inspection.nodes} nodes`,
    `  inputs      ${entries(inspection.inputs)}`,
    `  outputs     ${entries(inspection.outputs)}`,
    `  operators   ${entries(inspection.operators)}`,
    `  parameters  ${formatBytes(resident.parameters)} resident`,
    `  activations ${exactBytes(inspection.activationBytes)} (results of forward nodes)`,
  ];
  if (inspection.keptBytes !== null)
    lines.push(
      `  kept        ${exactBytes(inspection.keptBytes)} are read by backward: what ordinary training keeps`,
      `  arena       ${formatBytes(inspection.arenaBytes ?? 0)} for ordinary training, gradients included`,
      `  flops       ${formatFlops(inspection.flops ?? 0)} a step`,
    );
  if (inspection.loss !== null) lines.push(`  loss        ${onOneLine(inspection.loss)}`);
  else if (inspection.noLoss !== undefined) lines.push(`  loss        none: ${onOneLine(inspection.noLoss)}`);
  else lines.push('  loss        differentiated already: the graph comes with its backward pass');
  if (inspection.assumedLoss !== undefined)
    lines.push(`              kept, arena and flops are those under --loss ${onOneLine(inspection.assumedLoss)}`);
  if (inspection.gradients.length > 0) {
    lines.push('  gradients');
    lines.push(
      formatTable(
        inspection.gradients.map((choice) => [
          `${choice.chosen ? '+' : '-'} ${onOneLine(choice.name)}`,
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
