/**
 * `npm run bench -- [NAME ...] [OPTIONS]`: prints tables of what was measured. Names are listed by an unknown one; options
 * are those of `fuzz`, `faults` and `mutants`.
 */
import { emitTable } from './emit.ts';
import { faultTable } from './faults.ts';
import { fuzzTable } from './fuzz.ts';
import { graphTable } from './graphs.ts';
import { mutantTable } from './mutants.ts';
import { plannerTable } from './planner.ts';
import { plannerScaleTable } from './planner-scale.ts';
import { recomputeTable } from './recompute.ts';
import { resnetTable } from './resnet.ts';
import { scaleTable } from './scale.ts';
import { stepsTable } from './steps.ts';
import { threadsTable } from './threads.ts';
import { updatesTable } from './updates.ts';

const args = process.argv.slice(2);
const firstOption = args.findIndex((word) => word.startsWith('--'));
const wanted = firstOption < 0 ? args : args.slice(0, firstOption);
const options = args.slice(wanted.length);

const benchmarks: Readonly<Record<string, () => string | Promise<string>>> = {
  fuzz: () => fuzzTable(options),
  graphs: () => graphTable(['none', 'speed', 'memory', 'recursive']),
  scale: scaleTable,
  updates: () => updatesTable(),
  emit: () => emitTable(),
  resnet: () => resnetTable(),
  recompute: () => recomputeTable(),
  planner: () => plannerTable(),
  'planner-scale': () => plannerScaleTable(),
  threads: () => threadsTable(),
  steps: () => stepsTable(),
};

/** Run by name only: they change the sources in memory, run tests, and take minutes to hours. */
const searches: Readonly<Record<string, () => Promise<string>>> = {
  faults: () => faultTable(options),
  mutants: () => mutantTable(options),
};

for (const name of wanted)
  if (!(name in benchmarks) && !(name in searches)) {
    console.error(
      `there is no benchmark ${JSON.stringify(name)}; there are ${[...Object.keys(benchmarks), ...Object.keys(searches)].join(', ')}`,
    );
    process.exit(2);
  }
for (const [name, benchmark] of Object.entries({ ...benchmarks, ...searches })) {
  if (wanted.length === 0 ? name in searches : !wanted.includes(name)) continue;
  console.log(`${name}\n${await benchmark()}\n`);
}
