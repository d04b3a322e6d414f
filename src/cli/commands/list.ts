/** `sublinear passes` and `sublinear ops`: what there is, from the tables themselves. */
import type { Command } from 'commander';
import { passes } from '../../../passes/passes.ts';
import { strategies } from '../../../passes/plan/strategies.ts';
import { listedOperators } from '../../frontend/onnx/operator-table.ts';
import { ops } from '../../ops/table.ts';

export function addListCommands(program: Command): void {
  program
    .command('passes')
    .summary('list passes and strategies')
    .description('Lists the passes in the order of the default pipeline, and the strategies.')
    .option('--json', 'print one JSON document')
    .action((options: { json?: boolean }) => {
      const listed = [...passes.values()].map(({ run: _run, ...pass }) => pass);
      const planned = [...strategies.values()].map(({ sequence: _sequence, ...strategy }) => strategy);
      if (options.json === true) {
        process.stdout.write(`${JSON.stringify({ passes: listed, strategies: planned }, null, 1)}\n`);
        return;
      }
      for (const pass of listed) {
        process.stdout.write(`${pass.name.padEnd(13)} ${pass.summary}\n`);
        for (const [name, option] of Object.entries(pass.options))
          process.stdout.write(`    ${name.padEnd(12)} ${option.doc} (default: ${option.default})\n`);
      }
      process.stdout.write('\nstrategies\n');
      for (const strategy of planned) process.stdout.write(`${strategy.name.padEnd(13)} ${strategy.summary}\n`);
    });
  program
    .command('ops')
    .summary('list operators')
    .description('Lists the ONNX operators that are read, and the primitives they are lowered to.')
    .option('--json', 'print one JSON document')
    .action((options: { json?: boolean }) => {
      const primitives = [...ops.values()].map((op) => ({
        name: op.name,
        doc: op.doc,
        effect: op.effect,
        expensive: op.expensive === true,
        differentiable: op.gradient !== undefined,
        attributes: op.attributes,
      }));
      const operators = listedOperators();
      if (options.json === true) {
        process.stdout.write(`${JSON.stringify({ onnx: operators, primitives }, null, 1)}\n`);
        return;
      }
      process.stdout.write('ONNX operators\n');
      const width = Math.max(...operators.map(({ onnx }) => onnx.length));
      for (const { onnx, first, last, gradient, limits = '' } of operators) {
        const opsets = `opset ${first} to ${last}`;
        const line = `  ${onnx.padEnd(width)}  ${opsets.padEnd(14)}  ${gradient ? 'gradient' : '-       '}  ${limits}`;
        process.stdout.write(`${line.trimEnd()}\n`);
      }
      process.stdout.write('\nprimitives\n');
      for (const op of primitives)
        process.stdout.write(`  ${op.name.padEnd(26)} ${op.differentiable ? 'gradient' : '        '}  ${op.doc}\n`);
    });
}
