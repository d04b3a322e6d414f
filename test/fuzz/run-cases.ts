/** Draws cases, checks each, and makes those that fail small. */
import { bitwiseDifferences } from '../../src/execution.ts';
import { printCase } from './case-file.ts';
import { type CheckOptions, checkCase, checkEmitted, type Expected, type Fault } from './check-case.ts';
import { type CaseKind, drawCase, type FuzzCase } from './fuzz-case.ts';
import { tracesOnThreads } from './machines.ts';
import { shrink } from './shrink.ts';

/** One in so many cases is emitted too, as two modules that are loaded and run: that takes as long as many cases. */
export const emittedShare = 100;

/** Steps that a team of threads runs before the next one is made. */
const teamSteps = 24;

export interface Failure {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly smallest: FuzzCase;
  /** Shows it again by itself. */
  readonly text: string;
}

export interface Tally {
  readonly kinds: ReadonlyMap<CaseKind, number>;
  readonly cases: number;
  /** Of those, models that left nothing to do, which were refused. */
  readonly refused: number;
  readonly trained: number;
  readonly plans: number;
  readonly emitted: number;
  readonly onThreads: number;
  readonly sharedCalls: number;
  readonly failures: readonly Failure[];
}

export interface RunOptions extends CheckOptions {
  readonly seed: number;
  readonly count: number;
  /** Asked before each case. */
  readonly shouldStop?: () => boolean;
  readonly onCase?: (tally: Tally) => void;
  readonly onFailure?: (failure: Failure) => void;
  /** Default `emittedShare`. */
  readonly emitEvery?: number;
}

async function faultsOf(subject: FuzzCase, emit: boolean, options: CheckOptions) {
  const checked = checkCase(subject, options);
  const emitted = emit ? await checkEmitted(subject) : [];
  return { ...checked, faults: [...checked.faults, ...emitted] };
}

function failureOf(seed: number, subject: FuzzCase, faults: readonly Fault[], options: CheckOptions): Failure {
  const [{ check }] = [faults[0]!];
  const fails = (other: FuzzCase): boolean =>
    checkCase(other, { ...options, only: check }).faults.some((fault) => fault.check === check);
  const smallest = fails(subject) ? shrink(subject, fails) : subject;
  const remarks = [
    'run again: npm run bench -- fuzz --again FILE',
    `case ${seed}: ${check}`,
    ...faults.slice(0, 10).map((fault) => `${fault.check}: ${fault.text}`),
  ];
  return { seed, faults, smallest, text: printCase(smallest, remarks) };
}

/** What differs on two threads from what one leaves. */
function faultsOnThreads(waiting: readonly Expected[]): { faults: readonly Fault[]; shared: number } {
  const { traces, shared } = tracesOnThreads(waiting);
  const faults = waiting.flatMap(({ trace, compiled }, i) =>
    bitwiseDifferences(traces[i]!, trace).map((name) => ({
      check: 'bits on 2 threads',
      text: `${compiled.graph.name} under ${compiled.plan.strategy}: ${name} differs`,
    })),
  );
  return { faults, shared };
}

export async function runCases(options: RunOptions): Promise<Tally> {
  const kinds = new Map<CaseKind, number>();
  const failures: Failure[] = [];
  const tally = {
    kinds,
    cases: 0,
    refused: 0,
    trained: 0,
    plans: 0,
    emitted: 0,
    onThreads: 0,
    sharedCalls: 0,
    failures,
  };
  const waiting: { seed: number; subject: FuzzCase; expected: Expected }[] = [];
  const fail = (failure: Failure): void => {
    failures.push(failure);
    options.onFailure?.(failure);
  };
  const runWaiting = (): void => {
    if (waiting.length === 0) return;
    const { faults, shared } = faultsOnThreads(waiting.map(({ expected }) => expected));
    tally.onThreads += waiting.length;
    tally.sharedCalls += shared;
    const { seed, subject } = waiting[0]!;
    // Threads are of no use in making a case smaller: what fails on them only, now and then, is told as it is.
    if (faults.length > 0)
      fail({
        seed,
        faults,
        smallest: subject,
        text: printCase(
          subject,
          faults.map(({ text }) => text),
        ),
      });
    waiting.length = 0;
  };
  for (let seed = options.seed; seed < options.seed + options.count; seed++) {
    if (options.shouldStop?.() === true) break;
    const subject = drawCase(seed);
    const emit = seed % (options.emitEvery ?? emittedShare) === 0;
    const { faults, plans, expected } = await faultsOf(subject, emit, options);
    tally.cases++;
    kinds.set(subject.kind, (kinds.get(subject.kind) ?? 0) + 1);
    tally.plans += plans;
    if (plans === 0) tally.refused++;
    else if (subject.training.optimizer !== undefined) tally.trained++;
    if (emit) tally.emitted++;
    if (faults.length > 0) fail(failureOf(seed, subject, faults, options));
    for (const one of expected) waiting.push({ seed, subject, expected: one });
    if (waiting.length >= teamSteps) runWaiting();
    options.onCase?.(tally);
  }
  runWaiting();
  return tally;
}
