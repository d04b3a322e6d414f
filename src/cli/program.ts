/** The command line: every command, and how its errors end the process. */
import { Command, CommanderError, Option } from 'commander';
import { PassFailure } from '../../passes/pass-manager.ts';
import { isSystemError, systemDiagnostic } from '../files/system-error.ts';
import { SublinearError } from '../ir/diagnostic.ts';
import { printable } from '../ir/printable.ts';
import { addArenaCommand } from './commands/arena.ts';
import { addCheckCommand } from './commands/check.ts';
import { addCompileCommand } from './commands/compile.ts';
import { addFitCommand } from './commands/fit.ts';
import { addInspectCommand } from './commands/inspect.ts';
import { addListCommands } from './commands/list.ts';
import { addParetoCommand } from './commands/pareto.ts';
import { addPlanCommand } from './commands/plan.ts';
import { addReproCommand, type RunAgain } from './commands/repro.ts';
import { addRunCommand } from './commands/run.ts';
import { addTrainCommand } from './commands/train.ts';
import { describeBug, reportBug } from './report-bug.ts';
import { version } from './version.ts';

/** `runAgain` is what `repro` runs, `end` what it tells its exit code. */
export function createProgram(
  runAgain: RunAgain = async () => 0,
  end: (exitCode: number) => void = () => undefined,
): Command {
  const program = new Command('sublinear')
    .description('Makes a training step fit into a byte budget, by computing activations again.')
    .version(version)
    .showHelpAfterError('(run with --help for the options)')
    .configureOutput({ writeErr: (text) => process.stderr.write(printable(text)) })
    .addHelpText('after', modulesRun)
    .addHelpText('after', exitCodes)
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
  for (const command of program.commands) command.addOption(reproOption());
  addReproCommand(program, runAgain, end);
  for (const command of program.commands)
    command.exitOverride().showHelpAfterError('(run with --help for the options)');
  return program;
}

const modulesRun = `
Models and data that are modules (.ts, .mts, .js, .mjs) are programs: to load one is to run it, with all that you may do.
Files of other kinds (.onnx, .ir, .npy, .pb, .safetensors, .json, .csv) are only read.`;

const exitCodes = `
Exit codes: 0 done, 1 the input is at fault, 2 the command is, 3 the budget cannot be met, 70 a bug of sublinear (which
leaves a file that \`sublinear repro\` runs again), 130 and 143 stopped by Ctrl-C and SIGTERM. A search that Ctrl-C stops
goes on with its best plan so far; only if there is none yet does it end, with 130.`;

function reproOption(): Option {
  const help = 'where a bug (exit code 70) leaves its reproducer; else the folder of -o, or a fresh temporary one';
  return new Option('--repro <DIR>', help).env('SUBLINEAR_REPRO');
}

/** Prints what an error says. Returns its exit code. */
type Report = (error: unknown, called: Command | undefined) => number;

/** Runs `argv` (without node and script). Returns the exit code: 0, 1, 2, 3, 70, 130 or 143. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  return execute(argv, (error, called) => failureOf(error, argv, called));
}

async function execute(argv: readonly string[], report: Report): Promise<number> {
  let called: Command | undefined;
  let exitCode = 0;
  const runAgain: RunAgain = (again) => execute(again, sayAgain);
  const program = createProgram(runAgain, (code) => {
    exitCode = code;
  }).hook('preAction', (_, command) => {
    called = command;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return report(error, called);
  }
}

/** Says what went wrong; of a bug it leaves the reproducer too. Returns the exit code. */
export function failureOf(error: unknown, argv: readonly string[], called?: Command): number {
  const known = knownFailure(error);
  if (known !== undefined) return known;
  process.stderr.write(printable(reportBug(error, argv, called && reproFolder(called))));
  return 70;
}

/** The same for what a reproducer runs: that there is a bug is known. */
function sayAgain(error: unknown): number {
  const known = knownFailure(error);
  if (known !== undefined) return known;
  process.stderr.write(printable(describeBug(error)));
  return 70;
}

/** Says what is no bug. Returns the exit code, and nothing for a bug. */
function knownFailure(error: unknown): number | undefined {
  const cause = error instanceof PassFailure ? error.cause : error;
  const told = isSystemError(cause) ? new SublinearError(systemDiagnostic(cause)) : error;
  if (!(told instanceof SublinearError) || told.exitCode === 70) return undefined;
  const stopped = told.exitCode === 130 || told.exitCode === 143;
  process.stderr.write(`${stopped ? '' : 'error: '}${printable(told.message)}\n`);
  return told.exitCode;
}

/** Where the user asked for files, if anywhere. */
function reproFolder(called: Command): string | undefined {
  const given = (name: string): string | undefined => {
    const value: unknown = called.getOptionValue(name);
    const asked = ['cli', 'env'].includes(called.getOptionValueSource(name) ?? '');
    return asked && typeof value === 'string' && value !== '' ? value : undefined;
  };
  return given('repro') ?? given('output');
}
