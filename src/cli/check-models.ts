/** Every ONNX test folder below a directory: found, run forward and where gradients are stored backward, and counted. */
import { type Dirent, readdirSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { SublinearError } from '../ir/diagnostic.ts';
import { type CheckSettings, checkForward, checkGradients, float32Errors, hasGradients } from './check-folder.ts';

export type CheckStage = 'forward' | 'gradient';

export interface CheckFailure {
  /** The folder, as seen from the directory that was searched; with several sets of data, the set behind it. */
  readonly test: string;
  readonly stage: CheckStage;
  readonly message: string;
  /** Refused by name before anything ran, rather than wrong. */
  readonly unsupported: boolean;
}

export interface CheckCounts {
  passed: number;
  failed: number;
  unsupported: number;
}

export interface CheckReport {
  readonly forward: CheckCounts;
  readonly gradient: CheckCounts;
  readonly failures: readonly CheckFailure[];
}

/** Folders below `directory` (itself included) that hold a model and test data, sorted. Throws `SublinearError`. */
export function findTestFolders(directory: string): readonly string[] {
  const found: string[] = [];
  const pending = [directory];
  while (pending.length > 0) {
    const folder = pending.pop()!;
    const entries = readFolder(folder);
    if (entries.some(({ name }) => name === 'model.onnx') && entries.some(isDataSet)) found.push(folder);
    else for (const entry of entries) if (entry.isDirectory()) pending.push(join(folder, entry.name));
  }
  return found.sort();
}

const isDataSet = (entry: Dirent): boolean => entry.isDirectory() && entry.name.startsWith('test_data_set_');

function readFolder(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SublinearError({ code: 'cannot-read', message: `cannot read the folder ${folder}: ${reason}` });
  }
}

/** Defaults: the strategy `none`, and WebAssembly where the engine has it. */
export interface CheckOptions extends Partial<CheckSettings> {
  /** Hears of each folder as it begins. */
  readonly onFolder?: (folder: string, position: number, count: number) => void;
}

/**
 * Checks every test folder below `directory`. Nothing that a model or its data holds ends the run; a folder that cannot be
 * read throws `SublinearError`.
 */
export function checkModels(directory: string, options: CheckOptions = {}): CheckReport {
  const { strategy = 'none', backend = 'auto', onFolder = () => {} } = options;
  const settings: CheckSettings = { strategy, backend };
  const counts: Readonly<Record<CheckStage, CheckCounts>> = {
    forward: { passed: 0, failed: 0, unsupported: 0 },
    gradient: { passed: 0, failed: 0, unsupported: 0 },
  };
  const failures: CheckFailure[] = [];
  const precision = new Map<string, ReadonlyMap<string, number>>();
  const folders = findTestFolders(directory);
  folders.forEach((folder, position) => {
    onFolder(folder, position, folders.length);
    const name = relative(directory, folder) || basename(folder);
    const suite = dirname(folder);
    const errors = precision.get(suite) ?? float32Errors(suite);
    precision.set(suite, errors);
    const float32 = errors.get(basename(folder)) ?? 0;
    const sets = readFolder(folder)
      .filter(isDataSet)
      .map((entry) => entry.name)
      .sort();
    for (const set of sets) {
      const test = { folder, data: join(folder, set) };
      const record = (stage: CheckStage, run: () => string | undefined): void => {
        const failure = attempt(run);
        if (failure === undefined) counts[stage].passed++;
        else {
          counts[stage][failure.unsupported ? 'unsupported' : 'failed']++;
          failures.push({ test: sets.length === 1 ? name : `${name}/${set}`, stage, ...failure });
        }
      };
      record('forward', () => checkForward(test, settings));
      if (hasGradients(test.data)) record('gradient', () => checkGradients(test, settings, float32));
    }
  });
  return { ...counts, failures };
}

/** What says that something is not supported, rather than that the file or its data are at fault. */
const refusals: ReadonlySet<string> = new Set([
  'unknown-op',
  'unsupported',
  'unsupported-opset',
  'unsupported-dtype',
  'unsupported-type',
  'no-gradient',
]);

/** What is wrong, or undefined. Every exception counts. */
function attempt(run: () => string | undefined): { message: string; unsupported: boolean } | undefined {
  try {
    const message = run();
    return message === undefined ? undefined : { message, unsupported: false };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const unsupported = error instanceof SublinearError && error.diagnostics.every(({ code }) => refusals.has(code));
    return { message, unsupported };
  }
}
