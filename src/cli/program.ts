/** The command line: every command, and how its errors end the process. */
import { Command, CommanderError } from 'commander';
import { PassFailure } from '../../passes/pass-manager.ts';
import { SublinearError } from '../ir/diagnostic.ts';
import { addCheckCommand } from './commands/check.ts';
import { addCompileCommand } from './commands/compile.ts';
import { addInspectCommand } from './commands/inspect.ts';
import { addListCommands } from './commands/list.ts';
import { addRunCommand } from './commands/run.ts';
import { writeFileAtomically } from './write-file.ts';

export function createProgram(): Command {
  const program = new Command('sublinear')
    .description('Makes a training step fit into a byte budget, by computing activations again.')
    .version('0.1.0')
    .showHelpAfterError('(run with --help for the options)')
    .exitOverride();
  addCompileCommand(program);
  addRunCommand(program);
  addInspectCommand(program);
  addCheckCommand(program);
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
    if (error instanceof SublinearError) {
      process.stderr.write(`error: ${error.message}\n`);
      return error.exitCode;
    }
    process.stderr.write(reportBug(error));
    return 70;
  }
}

/** Leaves a file from which the failure can be run again. */
function reportBug(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const reproducer =
    error instanceof PassFailure
      ? `// ${error.message.replaceAll('\n', ' ')}\n// sublinear compile FILE.ir --passes '${error.reproducer.pipeline}'\n${error.reproducer.ir}`
      : `// ${message.replaceAll('\n', ' ')}\n// sublinear ${process.argv.slice(2).join(' ')}\n`;
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const path = 'sublinear-failure.ir';
  try {
    writeFileAtomically(
      path,
      `${reproducer}${stack
        .split('\n')
        .map((line) => `// ${line}`)
        .join('\n')}\n`,
    );
  } catch {
    return `error: this is a bug of sublinear: ${message}\n${stack}\n`;
  }
  return `error: this is a bug of sublinear: ${message}\n  hint: please report it with ${path}, which holds what is needed to run it again\n`;
}
