/** `sublinear check DIR`: runs every ONNX test folder below DIR and says what passed and why the rest did not. */
import type { Command } from 'commander';
import { strategyNamed } from '../../../passes/plan-pass.ts';
import { SublinearError } from '../../ir/diagnostic.ts';
import { onOneLine } from '../../ir/printable.ts';
import { type CheckCounts, type CheckReport, checkModels } from '../check-models.ts';
import { printOutput } from '../print-notes.ts';

export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .summary('hold models against stored results')
    .description('Runs every ONNX test folder (model.onnx and test_data_set_*) below DIR, forward and backward.')
    .argument('<DIR>')
    .option('-s, --strategy <NAME>', 'strategy for the backward runs', 'none')
    .option('--json', 'print one JSON document')
    .action((directory: string, options: { strategy: string; json?: boolean }) => {
      strategyNamed(options.strategy);
      const report = checkBelow(directory, options.strategy);
      if (total(report.forward) === 0)
        throw new SublinearError({
          code: 'no-tests',
          message: `there is no test folder below ${directory}`,
          hint: 'a test folder holds model.onnx and test_data_set_0 with input_0.pb, output_0.pb',
        });
      if (options.json === true) {
        const failures = report.failures.map(({ test, stage, message }) => ({ test, stage, message }));
        printOutput(`${JSON.stringify({ ...report, failures }, null, 1)}\n`);
      } else {
        for (const failure of report.failures)
          printOutput(
            `${failure.unsupported ? 'unsupported' : 'FAILED'} ${onOneLine(failure.test)} (${failure.stage}): ${failure.message.split('\n')[0]}\n`,
          );
        printOutput(`forward:  ${describe(report.forward)}\ngradient: ${describe(report.gradient)}\n`);
      }
      const failed = report.forward.failed + report.gradient.failed;
      const checks = total(report.forward) + total(report.gradient);
      if (failed > 0)
        throw new SublinearError({ code: 'checks-failed', message: `${failed} of ${checks} checks failed` });
    });
}

/** The report, with a line of progress on a terminal. */
function checkBelow(directory: string, strategy: string): CheckReport {
  if (process.stderr.isTTY !== true) return checkModels(directory, { strategy });
  const report = checkModels(directory, {
    strategy,
    onFolder: (folder, position, count) => {
      process.stderr.write(`\r\u001b[K${position + 1}/${count} ${onOneLine(folder.slice(-60))}`);
    },
  });
  process.stderr.write('\r\u001b[K');
  return report;
}

function describe(counts: CheckCounts): string {
  return `${counts.passed} passed, ${counts.failed} failed, ${counts.unsupported} unsupported`;
}

function total(counts: CheckCounts): number {
  return counts.passed + counts.failed + counts.unsupported;
}
