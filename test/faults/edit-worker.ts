/**
 * A process that keeps one warm vitest and runs test files with sources replaced in memory: what is on the disk stays
 * as it is. It is a process of its own so that its owner can end it where a fault never ends (edited-tests.ts).
 */
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { createVitest, type TestModule } from 'vitest/node';
import { projectRoot } from './source-edit.ts';

export interface Job {
  /** Texts by path from the root. */
  readonly replaced: Readonly<Record<string, string>>;
  readonly test: string;
}

/** The name of the first test that failed, or undefined. */
export interface Outcome {
  readonly failed: string | undefined;
}

let replaced: ReadonlyMap<string, string> = new Map();

const silent = new Writable({ write: (_chunk, _encoding, done) => done() });

const vitest = await createVitest(
  'test',
  {
    root: projectRoot,
    config: false,
    watch: false,
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/seed.ts'],
    exclude: ['test/bench/**', 'test/full/**', 'node_modules/**'],
    testTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 1,
    bail: 1,
    reporters: [{}],
  },
  { plugins: [{ name: 'replaced-sources', enforce: 'pre', load: (id) => replaced.get(id) }] },
  { stdout: silent, stderr: silent },
);

/** Undefined where the run was cut short before any test had ended: the run before it was being ended still. */
function outcomeOf(module: TestModule | undefined, unhandled: boolean): Outcome | undefined {
  if (module === undefined) return undefined;
  for (const test of module.children.allTests('failed')) return { failed: test.fullName };
  if (module.errors().length > 0) return { failed: `loading ${module.relativeModuleId}` };
  if (module.state() !== 'passed') return undefined;
  return { failed: unhandled ? `an unhandled error in ${module.relativeModuleId}` : undefined };
}

async function run(job: Job): Promise<Outcome> {
  const before = replaced;
  replaced = new Map(Object.entries(job.replaced).map(([file, text]) => [join(projectRoot, file), text]));
  for (const path of new Set([...before.keys(), ...replaced.keys()])) vitest.invalidateFile(path);
  const path = join(projectRoot, job.test);
  const specification = vitest.getRootProject().createSpecification(path);
  for (let attempt = 0; attempt < 3; attempt++) {
    // Modules of earlier runs are in the result too.
    const { testModules, unhandledErrors } = await vitest.runTestSpecifications([specification]);
    const own = testModules.find(({ moduleId }) => moduleId === path);
    const outcome = outcomeOf(own, unhandledErrors.length > 0);
    if (outcome !== undefined) return outcome;
  }
  throw new Error(`${job.test} was not run`);
}

process.on('message', (job: Job) => {
  run(job).then(
    (outcome) => process.send!(outcome),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit());
