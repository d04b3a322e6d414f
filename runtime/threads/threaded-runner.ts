/**
 * Runs the steps of a program on several threads. The parts of every shared call are made once, as calls for this thread
 * and as code for the others; a step then only says which code is next.
 */
import type { KernelTable, StepRunner } from '../interpreter.ts';
import type { Memory } from '../memory.ts';
import type { KernelCall, Program } from '../program.ts';
import { shareCall } from './split-table.ts';
import { threadBytes } from './thread-bytes.ts';
import { type CodedCall, createThreadCode } from './thread-code.ts';
import { ThreadTeam } from './thread-team.ts';

interface BoundCall {
  /** The call as one thread makes it. */
  readonly whole: KernelCall;
  /** How it is shared, where it is. */
  readonly shared?: CodedCall;
}

export interface ThreadedRunnerOptions {
  readonly threads: number;
  /** Shared; holds the program's bytes and `threadBytes` more. */
  readonly memory: WebAssembly.Memory;
  /** The module that they are made of, for shared memory. */
  readonly module: WebAssembly.Module;
  /** The kernels of this thread, in that memory. */
  readonly kernels: KernelTable;
}

export function createThreadedRunner(
  program: Program,
  views: Memory,
  { threads, memory, module, kernels }: ThreadedRunnerOptions,
): StepRunner {
  const extraBytes = threadBytes(program, threads);
  const first = Math.ceil((program.arenaBytes + program.residentBytes) / 64) * 64;
  const threadCode = createThreadCode(views, (part) => first + ((part - 1) * extraBytes) / (threads - 1));
  const bound = program.steps.map((step) =>
    step.calls.map((call): BoundCall => {
      const twin = kernels.get(call.kernel.name);
      const whole = { kernel: twin ?? call.kernel, args: call.args };
      const shared = twin === undefined ? undefined : shareCall(call, threads);
      const coded = shared && threadCode.add(shared);
      return { whole, ...(coded && { shared: coded }) };
    }),
  );
  const team = new ThreadTeam({ threads, module, memory, ...threadCode.finish() });
  /** Runs the first part and whatever the others have not taken, from the last on, and waits for the rest. */
  const runShared = ({ kernel }: KernelCall, { position, parts, refresh }: CodedCall): void => {
    refresh?.();
    const opened = performance.now();
    team.open(position, parts.length);
    let others = parts.length - 1;
    try {
      for (const args of parts[0]!) kernel(views, ...args);
      for (let part = parts.length - 1; part > 0; part--) {
        if (!team.take(part)) continue;
        others--;
        for (const args of parts[part]!) kernel(views, ...args);
      }
    } finally {
      // All are taken by now, unless a kernel threw.
      for (let part = 1; part < parts.length; part++) if (team.take(part)) others--;
      team.waitFor(others, opened);
    }
  };
  const runner: StepRunner = {
    threads,
    extraBytes,
    runStep(index) {
      for (const { whole, shared } of bound[index]!)
        if (shared === undefined || team.closed) whole.kernel(views, ...whole.args);
        else runShared(whole, shared);
    },
    close: () => team.close(),
  };
  dropped.register(runner, team);
  return runner;
}

/** Threads know nothing of the runner they work for: those of one that was dropped without `close` are ended. */
const dropped = new FinalizationRegistry<ThreadTeam>((team) => team.close());
