/** The last line of a test run: `N passed, N failed`, alone, for whoever reads only that. */
import type { Reporter } from 'vitest/node';

export function summaryReporter(): Reporter {
  return {
    onTestRunEnd(modules, unhandledErrors) {
      const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
      for (const module of modules) {
        let failures = 0;
        for (const test of module.children.allTests()) {
          const { state } = test.result();
          if (state === 'passed') counts.passed++;
          else if (state === 'failed') failures++;
          else counts.skipped++;
        }
        // A file that could not be loaded has no tests, and has failed none the less.
        counts.failed += failures === 0 && module.state() === 'failed' ? 1 : failures;
      }
      const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
      process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
    },
  };
}
