/**
 * Writes down which functions of the WebAssembly module a kernel calls, in place of calling them: a thread beyond the
 * first has the module but none of the TypeScript around it, and makes these calls from the numbers.
 */
import type { KernelTable } from '../interpreter.ts';
import type { Memory } from '../memory.ts';
import type { KernelArgument } from '../program.ts';
import { wrapKernels } from '../wasm-backend.ts';

/** Numbers of code, as `runThread` reads them. */
type Code = { [place: number]: number };

export interface CallRecorder {
  /** Functions of the module, by the index they have in the code. */
  readonly names: readonly string[];
  /**
   * Writes the calls of a kernel, run on each of the argument lists, to `code` from `at` on, and returns the end. Throws
   * where that is beyond `limit`.
   */
  record(
    kernel: string,
    memory: Memory,
    lists: readonly (readonly KernelArgument[])[],
    code: Code,
    at: number,
    limit: number,
  ): number;
}

export function createRecorder(): CallRecorder {
  const names: string[] = [];
  let code: Code = [];
  let at = 0;
  let end = 0;
  let calls = 0;
  const write = (number: number): void => {
    if (at >= end) throw new Error('the calls of a kernel do not fit into the code of the threads');
    code[at++] = number;
  };
  const table: KernelTable = wrapKernels((name) => {
    const known = names.indexOf(name);
    const index = known >= 0 ? known : names.push(name) - 1;
    return (...args: (number | undefined)[]) => {
      let count = args.length;
      while (count > 0 && args[count - 1] === undefined) count--;
      write(index);
      write(count);
      for (let i = 0; i < count; i++) write(args[i]!);
      calls++;
      return 0;
    };
  });
  return {
    names,
    record(kernel, memory, lists, target, start, limit) {
      const record = table.get(kernel);
      if (record === undefined) throw new Error(`there is no WebAssembly kernel ${kernel}`);
      code = target;
      at = start + 1;
      end = limit;
      calls = 0;
      for (const args of lists) record(memory, ...args);
      target[start] = calls;
      return at;
    },
  };
}
