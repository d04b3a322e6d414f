/** A byte budget for a step on several threads: what the threads beyond the first need is taken off before it is planned. */
import { threadBytes } from '../runtime/threads/thread-bytes.ts';
import { parseByteSize, resolveByteSize } from './analysis/byte-size.ts';
import { type CompileOptions, compile } from './compile.ts';
import { SublinearError } from './ir/diagnostic.ts';
import type { Model } from './ir/graph.ts';

/**
 * `options` with the scratch of threads taken off a budget on the peak, where there is one. That depends on the ops of the
 * step alone, so the plan depends on the threads in no other way. A share is one of ordinary training on one thread. Throws
 * `SublinearError`: exit code 3 where the threads alone exceed the budget.
 */
export function budgetForThreads(model: Model, options: CompileOptions, threads: number): CompileOptions {
  const budget = options.strategyOptions?.budget;
  if (threads <= 1 || options.pipeline !== undefined || typeof budget !== 'string' || budget === '') return options;
  const { onPass: _, stopAfter: __, ...quietly } = options;
  const ordinary = compile(model, { ...quietly, strategy: 'none', strategyOptions: {} });
  const whole = resolveByteSize(parseByteSize(budget), ordinary.figures.peakBytes);
  const needed = threadBytes(ordinary.program, threads);
  if (needed >= whole)
    throw new SublinearError(
      {
        code: 'budget-below-threads',
        message: `the budget of ${whole} bytes is taken up by the scratch of ${threads} threads: ${needed} bytes`,
        hint: 'take fewer threads, or raise the budget',
      },
      3,
    );
  return { ...options, strategyOptions: { ...options.strategyOptions, budget: String(whole - needed) } };
}
