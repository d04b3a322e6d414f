/** Which of a step's kernels run in WebAssembly, and what they need of the runtime; the others stay plain TypeScript. */
import type { Program } from '../../../runtime/program.ts';
import type { Backend } from '../../../runtime/select-backend.ts';
import { numericKernels, wrappedKernels, wrapperName } from '../../../runtime/wasm-backend.ts';
import type { PickKernel } from '../../../runtime/wasm-instance.ts';
import { BackendError, checkBytes } from '../../../runtime/wasm-support.ts';
import { SublinearError } from '../../ir/diagnostic.ts';

export interface KernelChoice {
  readonly backend: Backend;
  /** Kernels that the step calls as functions, sorted. */
  readonly plain: readonly string[];
  /**
   * Kernels that are bound to the step's memory, sorted, with the function of the runtime that makes each; none where the
   * module's function is only passed its numbers.
   */
  readonly bound: ReadonlyMap<string, string | undefined>;
  /** What the WebAssembly module has to export for these, sorted. */
  readonly exports: readonly string[];
  /** Functions of the runtime: the plain kernels, and what makes the bound ones. */
  readonly functions: readonly string[];
}

/** Throws `SublinearError` where kernels cannot address the step's memory. */
export function chooseKernels(program: Program, backend: Backend): KernelChoice {
  checkAddressable(program);
  const kernels = [...new Set(program.steps.flatMap((step) => step.calls.map(({ kernel }) => kernel.name)))].sort();
  if (backend === 'js') return { backend, plain: kernels, bound: new Map(), exports: [], functions: kernels };
  const numeric = new Set(numericKernels);
  const exports = new Set<string>();
  const pick: PickKernel = (name) => {
    exports.add(name);
    return () => 0;
  };
  const bound = new Map<string, string | undefined>();
  for (const name of kernels) {
    const wrap = wrappedKernels.get(name);
    if (wrap === undefined && !numeric.has(name)) continue;
    bound.set(name, wrap && wrapperName(name));
    // What a wrapper needs of the module it takes when it is made.
    if (wrap === undefined) pick(name);
    else wrap(pick);
  }
  const plain = kernels.filter((name) => !bound.has(name));
  const wrappers = [...bound.values()].flatMap((wrapper) => wrapper ?? []);
  return { backend, plain, bound, exports: [...exports].sort(), functions: [...plain, ...wrappers] };
}

/** What no backend runs is refused as it is where a step is run. */
function checkAddressable({ arenaBytes, residentBytes }: Program): void {
  try {
    checkBytes(arenaBytes + residentBytes);
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    throw new SublinearError({ code: `backend-${error.code}`, message: error.message, hint: error.hint });
  }
}
