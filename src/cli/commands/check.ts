/** `sublinear check DIR`: runs every ONNX test folder below DIR and says what passed and why the rest did not. */
import type { Command } from 'commander';
import { strategyNamed } from '../../../passes/plan-pass.ts';
import { SublinearError } from '../../ir/diagnostic.ts';
import { type CheckCounts, checkFolders, findTestFolders } from '../check-models.ts';

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
      let folders: readonly string[];
      try {
        folders = findTestFolders(directory);
      } catch (error) {
        throw new SublinearError({
          code: 'cannot-read',
          message: `cannot read ${directory}: ${error instanceof Error ? error.message : String(error)}`,
        });
      }
      if (folders.length === 0)
        throw new SublinearError({
          code: 'no-tests',
          message: `there is no test folder below ${directory}`,
          hint: 'a test folder holds model.onnx and test_data_set_0 with input_0.pb, output_0.pb',
        });
      const progress = process.stderr.isTTY === true;
      const report = checkFolders(folders, options.strategy, (folder, position) => {
        if (progress) process.stderr.write(`\r\u001b[K${position + 1}/${folders.length} ${folder.slice(-60)}`);
      });
      if (progress) process.stderr.write('\r\u001b[K');
      if (options.json === true) {
        const failures = report.failures.map(({ test, stage, message }) => ({ test, stage, message }));
        process.stdout.write(`${JSON.stringify({ ...report, failures }, null, 1)}\n`);
      } else {
        for (const failure of report.failures)
          process.stdout.write(
            `${failure.unsupported ? 'unsupported' : 'FAILED'} ${failure.test} (${failure.stage}): ${failure.message.split('\n')[0]}\n`,
          );
        process.stdout.write(`forward:  ${describe(report.forward)}\ngradient: ${describe(report.gradient)}\n`);
      }
      if (report.forward.failed + report.gradient.failed > 0) process.exitCode = 1;
    });
}

function describe(counts: CheckCounts): string {
  return `${counts.passed} passed, ${counts.failed} failed, ${counts.unsupported} unsupported`;
}
