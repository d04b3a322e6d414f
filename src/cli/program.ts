/** The command line: every command, and how its errors end the process. */
import { Command, CommanderError } from 'commander';
import { SublinearError } from '../ir/diagnostic.ts';
import { addArenaCommand } from './commands/arena.ts';
import { addCheckCommand } from './commands/check.ts';
import { addCompileCommand } from './commands/compile.ts';
import { addFitCommand } from './commands/fit.ts';
import { addInspectCommand } from './commands/inspect.ts';
import { addListCommands } from './commands/list.ts';
import { addParetoCommand } from './commands/pareto.ts';
import { addPlanCommand } from './commands/plan.ts';
import { addRunCommand } from './commands/run.ts';
import { addTrainCommand } from './commands/train.ts';
import { printable } from './print-notes.ts';
import { reportBug } from './report-bug.ts';
import { version } from './version.ts';

export function createProgram(): Command {
  const program = new Command('sublinear')
    .description('Makes a training step fit into a byte budget, by computing activations again.')
    .version(version)
    .showHelpAfterError('(run with --help for the options)')
    .exitOverride();
  addCompileCommand(program);
  addRunCommand(program);
  addTrainCommand(program);
  addInspectCommand(program);
  addArenaCommand(program);
  addCheckCommand(program);
  addPlanCommand(program);
  addParetoCommand(program);
  addFitCommand(program);
  addListCommands(program);
  for (const command of program.commands)
    command.exitOverride().showHelpAfterError('(run with --help for the options)');
  return program;
}

/** Runs `argv` (without node and script). Returns the exit code: 0, 1, 2, 3 or 70. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof SublinearError && error.exitCode !== 70) {
      process.stderr.write(`error: ${printable(error.message)}\n`);
      return error.exitCode;
    }
    process.stderr.write(printable(reportBug(error, argv)));
    return 70;
  }
}
