/** The memory of threads beyond the first: scratch of their own, behind the program's bytes. */
import type { Program } from '../program.ts';
import { shareCall } from './split-table.ts';

/**
 * Bytes for all of them: each has the largest scratch that any call shared by `threads` threads needs, rounded up to 64.
 * It depends on the ops and shapes of the program alone, not on its plan.
 */
export function threadBytes(program: Program, threads: number): number {
  let largest = 0;
  if (threads > 1)
    for (const step of program.steps)
      for (const call of step.calls) {
        const scratch = shareCall(call, threads)?.split.scratch;
        if (scratch !== undefined) largest = Math.max(largest, scratch.bytes(...call.args));
      }
  return (threads - 1) * Math.ceil(largest / 64) * 64;
}
