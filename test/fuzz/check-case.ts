/**
 * What must hold of a case: under every strategy and within budgets, on every backend, bit for bit what `none` gives
 * there; the plan legal by a checker of its own, the arena as planned, nothing read that had died.
 */

import { keptSetSequence } from '../../passes/plan/kept-set.ts';
import { type Plan, planFromSequence } from '../../passes/plan/plan.ts';
import { fastMathObstacle } from '../../runtime/fast-math.ts';
import type { KernelTable } from '../../runtime/interpreter.ts';
import { indexPlanGraph } from '../../src/analysis/plan-graph.ts';
import { toPlanGraph } from '../../src/analysis/to-plan-graph.ts';
import { type Compiled, type CompileOptions, compile, compileWithPlan } from '../../src/compile.ts';
import { bitwiseDifferences } from '../../src/execution.ts';
import { SublinearError } from '../../src/ir/diagnostic.ts';
import type { Graph, Model, Tensor } from '../../src/ir/graph.ts';
import { differencesFromInterpreter } from '../codegen/emit/same-as-interpreter.ts';
import { graphCheck, type Inputs, placementCheck, planFileCheck, textCheck } from '../differential-checks.ts';
import { evaluateGraph } from '../evaluate-graph.ts';
import { illegalSteps } from '../legal-sequence.ts';
import { randomSource } from '../random-model.ts';
import type { FuzzCase } from './fuzz-case.ts';
import { type FuzzBackend, machineFor, measuredArena, stepCount, type Trace, traceOf } from './machines.ts';

export interface Fault {
  /** Which check found it: what stays the same while a case is made smaller. */
  readonly check: string;
  readonly text: string;
}

/** A step and what it has to leave on WebAssembly, for runs on threads. */
export interface Expected {
  readonly compiled: Compiled;
  readonly inputs: Inputs;
  readonly trace: Trace;
}

export interface Checked {
  readonly faults: readonly Fault[];
  /** Different plans that were run; none where the model leaves nothing to do. */
  readonly plans: number;
  readonly expected: readonly Expected[];
}

/** What was thrown, without names and numbers, which change while a case is made smaller. */
function kindOf(message: string): string {
  return message.replaceAll(/"[^"]*"|\S*[\d.]\S*/g, '#').slice(0, 100);
}

function thrown(check: string, label: string, error: unknown): Fault {
  const message = error instanceof Error ? error.message : String(error);
  return { check: `${check} throws: ${kindOf(message)}`, text: `${label}: ${message}` };
}

export interface CheckOptions {
  /** Makes the runs of this check alone, if it is one that runs steps. */
  readonly only?: string;
  /** Kernels that take the place of the right ones, for the tests of the harness itself. */
  readonly wrong?: KernelTable;
}

interface Variant {
  readonly label: string;
  readonly options: Pick<CompileOptions, 'strategy' | 'strategyOptions' | 'search' | 'verify'>;
  /** In place of a strategy. */
  readonly planOf?: (planned: Graph) => Plan;
}

const rate: Tensor = { type: { dtype: 'f32', shape: [] }, data: [0.05] };

/** Codes of what a model or a budget is refused for, rightly. */
const refusals = [
  ...['nothing-to-train', 'nothing-to-differentiate', 'output-of-parameter'],
  ...['budget-infeasible', 'interrupted'],
];

function settingsOf({ losses, training }: FuzzCase): CompileOptions {
  return {
    ...training,
    losses,
    ...(losses.length > 0 && { wrt: training.optimizer === undefined ? 'all' : 'parameters' }),
  };
}

/** `undefined` where it is refused. */
function compiledOr(model: Model, options: CompileOptions, planOf?: Variant['planOf']): Compiled | undefined {
  try {
    return planOf === undefined ? compile(model, options) : compileWithPlan(model, options, planOf);
  } catch (error) {
    if (error instanceof SublinearError && refusals.includes(error.diagnostics[0]!.code)) return undefined;
    throw error;
  }
}

/** The step of `plain` planned in another way; it is differentiated once. */
function planned(subject: FuzzCase, plain: Compiled, { options, planOf }: Variant): Compiled | undefined {
  const { planned: graph, weights } = plain;
  if (subject.losses.length > 0) return compiledOr({ graph, weights }, { losses: [], ...options }, planOf);
  return compiledOr(subject.model, { losses: [], ...options }, planOf);
}

/** `patience`: how often the search may ask whether to stop; a whole one takes as long as all the rest of a case. */
function budget(name: 'arena' | 'budget', bytes: number, patience: number): Variant {
  let asked = 0;
  const search = { descend: false, shouldStop: () => ++asked > patience };
  const strategyOptions = { [name]: String(Math.floor(bytes)), effort: 'fast' };
  return {
    label: `${name} ${Math.floor(bytes)}`,
    options: { strategy: 'budget', strategyOptions, ...(Number.isFinite(patience) && { search }) },
  };
}

/** Keeps values by chance. */
function randomKept(seed: number): Variant {
  return {
    label: `random ${seed}`,
    options: {},
    planOf(planned) {
      const index = indexPlanGraph(toPlanGraph(planned));
      const random = randomSource(seed);
      const share = random();
      const kept = Uint8Array.from({ length: index.valueCount }, () => (random() < share ? 1 : 0));
      const about = { strategy: 'random', options: {}, costModel: 'roofline' };
      return planFromSequence(index, keptSetSequence(index, kept), about);
    },
  };
}

/** Named strategies, then budgets between the smallest and the largest arena, one of them on the peak. */
function variantsOf(subject: FuzzCase, plain: Compiled): readonly Variant[] {
  const random = randomSource(subject.seed);
  const each = Math.floor(random() * 4);
  const named = ['memory', 'speed', 'recursive', 'all'].map((strategy, i): Variant => {
    return { label: strategy, options: { strategy, ...(i === each && { verify: 'each' }) } };
  });
  const full = plain.figures.arenaBytes;
  const least = Math.min(full, plain.plan.liveBytes) / 2;
  const share = (): number => least + random() * (full - least);
  const patience = random() < 0.02 ? Number.POSITIVE_INFINITY : Math.floor(4 * random());
  const limited =
    random() < 0.5
      ? budget('arena', random() < 0.3 ? full : share(), patience)
      : budget('budget', plain.figures.residentBytes + share(), patience);
  const auto: readonly Variant[] = random() < 0.003 ? [{ label: 'auto', options: { strategy: 'auto' } }] : [];
  return [...named, randomKept(subject.seed), randomKept(subject.seed + 1), limited, ...auto];
}

/** Against every node run in memory of its own, first step. */
function evaluationFaults(plain: Compiled, inputs: Inputs, trace: Trace): readonly Fault[] {
  const seeds: Tensor = { type: { dtype: 'i32', shape: [2] }, data: [3, 0] };
  const { random } = plain.program;
  const given = random === undefined ? inputs : new Map([...inputs, [random.name, seeds]]);
  const values = evaluateGraph({ graph: plain.planned, weights: plain.weights }, given);
  const own = new Map<string, Tensor>();
  const run = new Map<string, Tensor>();
  for (const { name } of plain.program.outputs) {
    own.set(name, { ...values.get(name)!, data: copyOf(values.get(name)!, trace.get(`${name} after step 0`)!) });
    run.set(name, trace.get(`${name} after step 0`)!);
  }
  const differing = bitwiseDifferences(own, run);
  return differing.map((name) => ({ check: 'evaluation', text: `${name} is not what its nodes give one by one` }));
}

/** In an array of the kind that the run's stands in. */
function copyOf(tensor: Tensor, run: Tensor): Tensor['data'] {
  return ArrayBuffer.isView(run.data) && run.data instanceof Float32Array
    ? Float32Array.from(tensor.data)
    : tensor.data;
}

class Checker {
  readonly faults: Fault[] = [];
  readonly expected: Expected[] = [];
  private readonly seen = new Set<string>();
  private readonly references = new Map<FuzzBackend, Trace>();
  private readonly inputs: Inputs;
  private readonly subject: FuzzCase;
  private readonly plain: Compiled;
  private readonly wrong: KernelTable | undefined;
  private readonly only: string | undefined;

  constructor(subject: FuzzCase, plain: Compiled, { wrong, only }: CheckOptions) {
    this.only = only;
    this.subject = subject;
    this.plain = plain;
    this.wrong = wrong;
    const { update } = plain;
    this.inputs = update === undefined ? subject.inputs : new Map([...subject.inputs, [update.learningRate, rate]]);
  }

  get plans(): number {
    return this.seen.size;
  }

  private note(check: string, texts: readonly string[]): void {
    for (const text of texts) this.faults.push({ check, text });
  }

  /** Runs `work`; what it throws is a fault. */
  attempt<T>(check: string, label: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.faults.push(thrown(check, label, error));
      return undefined;
    }
  }

  private reference(backend: FuzzBackend): Trace {
    // Parts are those of the WebAssembly kernels: they leave what the whole calls leave.
    const whole = backend === 'parts' ? 'wasm' : backend;
    const known = this.references.get(whole);
    if (known !== undefined) return known;
    const trace = traceOf(machineFor(this.plain, whole, this.wrong), this.plain, this.inputs);
    this.references.set(whole, trace);
    return trace;
  }

  private compare(compiled: Compiled, label: string, backend: FuzzBackend, how: 'clean' | 'nan' | 'large'): void {
    const check = how === 'clean' ? `bits on ${backend}` : `poison on ${backend}`;
    if (this.only !== undefined && !this.only.startsWith(check)) return;
    this.attempt(check, label, () => {
      const trace = traceOf(machineFor(compiled, backend, this.wrong), compiled, this.inputs, how);
      this.note(
        check,
        bitwiseDifferences(trace, this.reference(backend)).map((name) => `${label}: ${name} differs`),
      );
    });
  }

  plainStep(): void {
    this.attempt('evaluation', 'none', () =>
      this.faults.push(...evaluationFaults(this.plain, this.inputs, this.reference('js'))),
    );
  }

  /** All that must hold of a plan, unless the same has been seen. */
  step(compiled: Compiled, label: string, index: number): void {
    const { plan, figures, memory } = compiled;
    const key = [...plan.sequence, '|', ...memory.offsets.values()].join();
    if (plan.lowerBound > plan.cost || plan.cost < plan.baseCost)
      this.note('bound', [`${label}: bound ${plan.lowerBound}, cost ${plan.cost}, each node once ${plan.baseCost}`]);
    if (plan.budget !== undefined && figures.arenaBytes > plan.budget)
      this.note('budget', [`${label}: the arena of ${figures.arenaBytes} bytes is above the budget ${plan.budget}`]);
    if (this.seen.has(key)) return;
    this.seen.add(key);
    const say = (list: readonly string[]): readonly string[] => list.map((text) => `${label}: ${text}`);
    this.note('legality', say(illegalSteps(compiled.planned, plan.sequence)));
    this.attempt('verifier', label, () => this.note('verifier', say(graphCheck(compiled))));
    this.attempt('placement', label, () => this.note('placement', say(placementCheck(compiled.graph, memory))));
    if (index % 3 === 0) {
      this.attempt('text', label, () => this.note('text', say(textCheck(compiled.graph))));
      this.attempt('plan file', label, () => this.note('plan file', say(planFileCheck(compiled))));
    }
    const measured = this.attempt('arena', label, () => measuredArena(compiled, this.inputs));
    if (measured !== undefined && measured !== figures.arenaBytes)
      this.note('arena', [`${label}: measured ${measured}, planned ${figures.arenaBytes}`]);
    if (figures.arenaBytes < figures.liveBytes) this.note('arena', [`${label}: arena below live bytes`]);
    this.compare(compiled, label, 'js', 'clean');
    this.compare(compiled, label, 'wasm', 'clean');
    this.compare(compiled, label, index % 2 === 0 ? 'js' : 'wasm', 'nan');
    this.compare(compiled, label, index % 2 === 0 ? 'wasm' : 'js', 'large');
    this.compare(compiled, label, 'parts', 'clean');
    if (index % 3 === 1 && fastMathObstacle() === undefined) this.compare(compiled, label, 'fast', 'clean');
    if (this.subject.kind === 'long')
      this.expected.push({ compiled, inputs: this.inputs, trace: this.reference('wasm') });
  }
}

export function checkCase(subject: FuzzCase, options: CheckOptions = {}): Checked {
  const faults: Fault[] = [];
  let plain: Compiled | undefined;
  try {
    plain = compiledOr(subject.model, { ...settingsOf(subject), strategy: 'none', verify: 'each' });
  } catch (error) {
    faults.push(thrown('compile', 'none', error));
  }
  if (plain === undefined) return { faults, plans: 0, expected: [] };
  const checker = new Checker(subject, plain, options);
  checker.plainStep();
  if (options.only === 'evaluation') return { faults: checker.faults, plans: 1, expected: [] };
  checker.step(plain, 'none', 0);
  const step = plain;
  variantsOf(subject, step).forEach((variant, i) => {
    const compiled = checker.attempt('compile', variant.label, () => planned(subject, step, variant));
    if (compiled !== undefined) checker.step(compiled, variant.label, i + 1);
  });
  return { faults: checker.faults, plans: checker.plans, expected: checker.expected };
}

/** The emitted modules of the case under `memory`, on both backends, against the interpreter. */
export async function checkEmitted(subject: FuzzCase): Promise<readonly Fault[]> {
  const faults: Fault[] = [];
  for (const backend of ['js', 'wasm'] as const)
    try {
      const compiled = compiledOr(subject.model, { ...settingsOf(subject), strategy: 'memory' });
      if (compiled === undefined) return [];
      const differing = await differencesFromInterpreter(compiled, stepCount, backend);
      for (const text of differing) faults.push({ check: `emitted ${backend}`, text });
    } catch (error) {
      if (error instanceof SublinearError && error.diagnostics[0]?.code === 'no-parameters') return [];
      faults.push(thrown(`emitted ${backend}`, 'memory', error));
    }
  return faults;
}
