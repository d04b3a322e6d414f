/** Every pass, in the order of the default pipeline. */
import { type GradientSelection, selectGradients, type Wrt } from '../src/analysis/select-gradients.ts';
import { selectionNotes } from '../src/analysis/selection-notes.ts';
import { SublinearError } from '../src/ir/diagnostic.ts';
import type { Graph, Model } from '../src/ir/graph.ts';
import { differentiate } from './autodiff.ts';
import { canonicalize } from './canonicalize.ts';
import { mergeCommonSubexpressions } from './common-subexpressions.ts';
import { foldConstants } from './constant-folding.ts';
import { eliminateDeadCode } from './dead-code.ts';
import { evaluationModel } from './evaluation.ts';
import { planMemory } from './memory-plan.ts';
import { optimizePass } from './optimize-pass.ts';
import {
  type Compilation,
  listOption,
  numbersOption,
  type Pass,
  type PassOptions,
  type PassResult,
  stringOption,
} from './pass.ts';
import { pinOrder } from './pin-order.ts';
import { planPass } from './plan-pass.ts';
import { recompute } from './recompute.ts';

/** The result of a pass that maps models; `before === after` means unchanged. */
function changedTo(compilation: Compilation, model: Model): PassResult {
  return { compilation: { ...compilation, model }, changed: model.graph !== compilation.model.graph };
}

/** A rewrite of the forward graph: it must see the graph before differentiation. */
function forwardPass(name: string, summary: string, rewrite: (model: Model) => Model): Pass {
  return {
    name,
    summary,
    options: {},
    requires: [],
    forbids: ['backward', 'plan', 'recomputed', 'memory'],
    establishes: [],
    run: (compilation) => changedTo(compilation, rewrite(compilation.model)),
  };
}

const evaluationPass = forwardPass(
  'evaluation',
  'Makes the forward graph one that predicts, for a pipeline without autodiff',
  (model) => {
    const evaluated = evaluationModel(model);
    const same =
      evaluated.graph.nodes.length === model.graph.nodes.length &&
      evaluated.graph.inputs.length === model.graph.inputs.length &&
      sameResidents(evaluated.graph, model.graph) &&
      evaluated.graph.nodes.every((node, n) => node.op === model.graph.nodes[n]!.op);
    return same ? model : evaluated;
  },
);

const autodiffPass: Pass = {
  name: 'autodiff',
  summary: 'Derives the backward pass of the losses from the whole graph',
  options: {
    wrt: { doc: 'gradients asked for: parameters, inputs or all', default: 'parameters' },
    values: { doc: 'exactly these values, in place of the rule', default: 'by wrt' },
    freeze: { doc: 'globs of values that get no gradient', default: 'none' },
    trainable: { doc: 'globs of parameters that get one though the rule leaves them out', default: 'none' },
    trainOnly: { doc: 'names of the parameters to train, in place of the rule', default: 'by the rule' },
    weights: { doc: 'what each loss is multiplied by, in their order', default: '1 each' },
  },
  requires: [],
  forbids: ['backward', 'plan', 'recomputed', 'memory'],
  establishes: ['backward'],
  run(compilation, options) {
    const { model, losses } = compilation;
    const given = options.values === undefined ? undefined : listOption(options, 'values');
    const selection = gradientSelection(options);
    const choices = given === undefined ? selectGradients(model, losses, selection) : [];
    const wrt = given ?? choices.flatMap(({ chosen, value }) => (chosen ? [value.name] : []));
    const trainable = given ?? choices.flatMap((choice) => (choice.trainable ? [choice.value.name] : []));
    const weights = numbersOption(options, 'weights');
    if (wrt.length === 0)
      throw new SublinearError({
        code: 'nothing-to-differentiate',
        message: 'no value was chosen to be differentiated',
        hint: '`sublinear inspect MODEL` lists why; --params GLOB says which inputs are weights, --wrt inputs asks for inputs',
      });
    const differentiated = differentiate(model, { losses, wrt, ...(weights !== undefined && { weights }) });
    const notes = given === undefined ? selectionNotes(choices, selection) : [];
    return changedTo({ ...compilation, trainable, notes }, differentiated);
  },
};

/** Reads `wrt`, `freeze`, `trainable` and `trainOnly`. Throws `SublinearError` (exit code 2). */
export function gradientSelection(options: PassOptions): GradientSelection {
  const wrt = stringOption(options, 'wrt', 'parameters');
  if (!isWrt(wrt))
    throw new SublinearError(
      { code: 'unknown-wrt', message: `--wrt takes parameters, inputs or all, not ${JSON.stringify(wrt)}` },
      2,
    );
  return {
    wrt,
    freeze: listOption(options, 'freeze'),
    trainable: listOption(options, 'trainable'),
    ...(options.trainOnly !== undefined && { trainOnly: listOption(options, 'trainOnly') }),
  };
}

function isWrt(text: string): text is Wrt {
  return text === 'parameters' || text === 'inputs' || text === 'all';
}

const deadCodePass: Pass = {
  name: 'dce',
  summary: 'Removes what no output, update or state depends on',
  options: {},
  requires: [],
  forbids: ['plan', 'recomputed', 'memory'],
  establishes: [],
  run: (compilation) => {
    const model = eliminateDeadCode(compilation.model);
    const same =
      model.graph.nodes.length === compilation.model.graph.nodes.length &&
      sameResidents(model.graph, compilation.model.graph);
    return same ? { compilation, changed: false } : changedTo(compilation, model);
  },
};

function sameResidents(a: Graph, b: Graph): boolean {
  return (
    a.parameters.length === b.parameters.length &&
    a.state.length === b.state.length &&
    a.constants.length === b.constants.length
  );
}

const recomputePass: Pass = {
  name: 'recompute',
  summary: 'Rewrites the graph to run the planned sequence, with clones and ordering edges',
  options: {},
  requires: ['plan'],
  forbids: ['recomputed', 'memory'],
  establishes: ['recomputed'],
  run(compilation) {
    const { model, plan } = compilation;
    if (plan === undefined) throw new Error('recompute runs without a plan');
    const graph = pinOrder(recompute(model.graph, plan.sequence));
    const same =
      graph.nodes.length === model.graph.nodes.length &&
      graph.nodes.every((node, n) => {
        const before = model.graph.nodes[n]!;
        return node.name === before.name && node.after?.length === before.after?.length;
      });
    return same
      ? { compilation, changed: false }
      : { compilation: { ...compilation, model: { ...model, graph } }, changed: true };
  },
};

const memoryPlanPass: Pass = {
  name: 'memory-plan',
  summary: 'Gives every value its place in one arena',
  options: {},
  requires: ['recomputed'],
  forbids: ['memory'],
  establishes: ['memory'],
  run: (compilation) => ({
    compilation: { ...compilation, memory: planMemory(compilation.model.graph) },
    changed: false,
  }),
};

export const passes: ReadonlyMap<string, Pass> = new Map(
  [
    evaluationPass,
    forwardPass('fold', 'Evaluates nodes whose operands are constants', foldConstants),
    forwardPass('canonicalize', 'Rewrites patterns of exported models to leaner equals', canonicalize),
    forwardPass('cse', 'Merges forward nodes that compute the same', (model) => {
      const graph = mergeCommonSubexpressions(model.graph);
      return graph === model.graph ? model : { ...model, graph };
    }),
    autodiffPass,
    optimizePass,
    deadCodePass,
    planPass,
    recomputePass,
    memoryPlanPass,
  ].map((pass) => [pass.name, pass]),
);
