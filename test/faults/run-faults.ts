/** Plants faults one by one and finds the check that catches each. */
import { type EditedTests, editedTests } from './edited-tests.ts';
import { editedWasm, isAssembly } from './edited-wasm.ts';
import type { PlantedFault } from './planted/planted.ts';
import { editedText } from './source-edit.ts';

export interface FaultOutcome {
  readonly fault: PlantedFault;
  /** Name of the first test that failed; undefined where nothing has noticed. */
  readonly caughtBy: string | undefined;
}

/**
 * A test file that fails without any fault proves nothing: it is named on the error stream, and left out. Each file runs
 * clean once, before the first fault that it is to catch.
 */
export async function runFaults(
  faults: readonly PlantedFault[],
  onOutcome: (outcome: FaultOutcome) => void = () => {},
): Promise<readonly FaultOutcome[]> {
  await using tests = editedTests();
  const clean = new Map<string, boolean>();
  const outcomes: FaultOutcome[] = [];
  for (const fault of faults) {
    const outcome = { fault, caughtBy: await firstFailure(tests, clean, fault) };
    outcomes.push(outcome);
    onOutcome(outcome);
  }
  return outcomes;
}

async function firstFailure(
  tests: EditedTests,
  clean: Map<string, boolean>,
  fault: PlantedFault,
): Promise<string | undefined> {
  const replaced = isAssembly(fault.file) ? editedWasm(fault) : { [fault.file]: editedText(fault) };
  for (const test of fault.tests) {
    if (!clean.has(test)) {
      const before = await tests.run({ replaced: {}, test });
      if (before !== undefined) console.error(`${test} fails without any fault: ${before}`);
      clean.set(test, before === undefined);
    }
    if (clean.get(test) === false) continue;
    const failed = await tests.run({ replaced, test });
    if (failed !== undefined) return failed;
  }
  return undefined;
}
