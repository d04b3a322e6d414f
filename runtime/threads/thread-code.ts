/** The code of the threads beyond the first: what each of them calls for each shared call, as numbers (thread-worker.ts). */
import { type Memory, viewMemory } from '../memory.ts';
import { createRecorder } from './call-recorder.ts';
import type { Arguments, Part } from './split.ts';
import type { SharedCall } from './split-table.ts';

/** Numbers kept for a call that is written down at every run: it makes one call of the module, of few arguments. */
const dynamicRoom = 32;

export interface CodedCall {
  /** Where its code stands. */
  readonly position: number;
  /** Its parts, each with a scratch of its own, for whoever runs them with the kernel. */
  readonly parts: readonly Part[];
  /** Writes the code anew, where the kernel looks into the memory to find out what to do. */
  readonly refresh?: () => void;
}

export interface ThreadCode {
  /** Undefined where the kernel runs in plain TypeScript with these arguments, which threads have not got. */
  add(shared: SharedCall): CodedCall | undefined;
  /** All that was added, in shared memory. */
  finish(): { readonly code: Float64Array; readonly names: readonly string[] };
}

/** `scratchOf` gives the byte offset of the scratch of a part, from 1; the first has that of the whole call. */
export function createThreadCode(memory: Memory, scratchOf: (part: number) => number): ThreadCode {
  const recorder = createRecorder();
  // What is written down once must not depend on what lies in the memory.
  const nothing = viewMemory(new ArrayBuffer(8));
  const written: number[] = [];
  let code: Float64Array = new Float64Array();

  const withScratch = ({ split, parts }: SharedCall): readonly Part[] => {
    const { scratch } = split;
    if (scratch === undefined) return parts;
    return parts.map((part, p) =>
      p === 0 ? part : part.map((args): Arguments => args.with(scratch.argument, scratchOf(p))),
    );
  };

  return {
    add(shared) {
      const { kernel } = shared.call;
      const parts = withScratch(shared);
      const position = written.length;
      const refreshes: (() => void)[] = [];
      for (let part = 1; part < parts.length; part++) written.push(0);
      for (let part = 1; part < parts.length; part++) {
        const lists = parts[part]!;
        const start = written.length;
        written[position + part - 1] = start;
        written.push(0);
        if (shared.split.readsMemory === true) {
          for (let i = 0; i < dynamicRoom; i++) written.push(0);
          refreshes.push(() => recorder.record(kernel.name, memory, lists, code, start, start + 1 + dynamicRoom));
        } else {
          recorder.record(kernel.name, nothing, lists, written, start, Number.POSITIVE_INFINITY);
          if (written[start] === 0) {
            written.length = position;
            return undefined;
          }
        }
      }
      if (refreshes.length === 0) return { position, parts };
      return {
        position,
        parts,
        refresh() {
          for (const refresh of refreshes) refresh();
        },
      };
    },
    finish() {
      code = new Float64Array(new SharedArrayBuffer(8 * Math.max(1, written.length)));
      code.set(written);
      return { code, names: recorder.names };
    },
  };
}
