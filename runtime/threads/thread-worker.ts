/**
 * What a thread beyond the first runs, and what it shares with the first: control words and code, in shared memory.
 *
 * Code is calls of the WebAssembly module written as numbers. A shared call stands at some position with a pointer for
 * each of its parts but the first; each points to a count of calls, and then for each call a function's index, the number
 * of arguments, and these.
 *
 * A part is run by whoever takes it: whether it can be had is one word, which the first thread opens once the position is
 * written, and which only one thread can close. A thread that sleeps, has not started or is kept from running by others
 * on the machine therefore holds nobody up: the first thread takes what is left.
 */

/** Places of the control words in an Int32Array, on cache lines of their own. */
export const controlLayout = {
  /** Counts shared calls: its change tells the others that there is one. */
  command: 0,
  /** Position of the call at hand in the code; -1 ends the thread. */
  position: 16,
  /** Parts of the call at hand that other threads are done with. */
  done: 32,
  /** Whether the first thread sleeps until there are more. */
  awaited: 48,
  /** Threads that sleep until the next call. */
  sleepers: 64,
  /** Number of a thread that failed, and the text of its error: length and character codes. */
  failed: 80,
  message: 81,
  messageWords: 400,
  /** The word of part p is at taken + p * line: 0 if it is to be had. */
  taken: 496,
  line: 16,
} as const;

/**
 * Milliseconds for which a thread looks for a change before it sleeps. To sleep and be woken takes some hundredth of a
 * millisecond; where both sides slept between calls that are not much longer, each would keep the other late.
 */
export const spinTime = 0.2;

export interface WorkerSetup {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Functions of the module, by the index they have in the code. */
  readonly names: readonly string[];
  readonly control: Int32Array;
  readonly code: Float64Array;
  /** From 1 to `others`: the part that it takes first. */
  readonly thread: number;
  readonly others: number;
  readonly layout: typeof controlLayout;
  readonly spinTime: number;
}

type ModuleFunction = (...args: number[]) => unknown;

/** Waits until the word at `index` is no longer `seen`, and returns what it is. `sleepers` counts those that sleep. */
function awaitChange(control: Int32Array, index: number, seen: number, sleepers: number, spinTime: number): number {
  const end = performance.now() + spinTime;
  do {
    for (let i = 0; i < 100; i++) {
      const now = Atomics.load(control, index);
      if (now !== seen) return now;
    }
  } while (performance.now() < end);
  while (Atomics.load(control, index) === seen) {
    Atomics.add(control, sleepers, 1);
    Atomics.wait(control, index, seen);
    Atomics.sub(control, sleepers, 1);
  }
  return Atomics.load(control, index);
}

/** Makes the calls that are written from `at` on. `lists` has a list for each number of arguments, once it was needed. */
function runCode(code: Float64Array, at: number, functions: readonly ModuleFunction[], lists: number[][]): void {
  for (let calls = code[at++]!; calls > 0; calls--) {
    const f = functions[code[at++]!]!;
    const count = code[at++]!;
    while (lists.length <= count) lists.push(new Array(lists.length).fill(0.5));
    const list = lists[count]!;
    for (let i = 0; i < count; i++) list[i] = code[at++]!;
    f(...list);
  }
}

/** Runs until it is told to end. */
function runThread(setup: WorkerSetup, wait: typeof awaitChange, run: typeof runCode): void {
  const { control, code, thread, others, layout } = setup;
  try {
    const { exports } = new WebAssembly.Instance(setup.module, { env: { memory: setup.memory } });
    const functions = [];
    for (const name of setup.names) {
      const found = exports[name];
      if (typeof found !== 'function') throw new Error(`the WebAssembly module has no kernel ${name}`);
      functions.push(found as ModuleFunction);
    }
    const lists: number[][] = [];
    for (let seen = 0; ; ) {
      seen = wait(control, layout.command, seen, layout.sleepers, setup.spinTime);
      if (Atomics.load(control, layout.position) < 0) return;
      for (let k = 0; k < others; k++) {
        const part = 1 + ((thread - 1 + k) % others);
        if (Atomics.compareExchange(control, layout.taken + part * layout.line, 0, 1) !== 0) continue;
        run(code, code[Atomics.load(control, layout.position) + part - 1]!, functions, lists);
        Atomics.add(control, layout.done, 1);
        if (Atomics.load(control, layout.awaited) !== 0) Atomics.notify(control, layout.done);
      }
    }
  } catch (error) {
    const text = String(error).slice(0, layout.messageWords);
    control[layout.message] = text.length;
    for (let i = 0; i < text.length; i++) control[layout.message + 1 + i] = text.charCodeAt(i);
    Atomics.store(control, layout.failed, thread);
    Atomics.notify(control, layout.done);
  }
}

/**
 * The source text of a thread that finds its setup in the expression `setup`. Each of these functions uses nothing but its
 * arguments and what every engine has, and holds no function, so that no tool on the way has put in a helper that is not
 * there. They are three so that the engine compiles what runs often, and not only what loops.
 */
export function threadSource(setup: string): string {
  return `(${runThread})(${setup}, ${awaitChange}, ${runCode});`;
}
