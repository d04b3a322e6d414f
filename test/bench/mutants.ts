/**
 * `npm run bench mutants`: draws small changes of the passes, the analyses and the kernels, and prints those that the
 * tests that mirror the file do not notice. `--seed N`, `--count N`, `--only FILE` (a part of its path), `--list`.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { randomKey, uniformAt } from '../../runtime/rng.ts';
import { type EditedTests, editedTests } from '../faults/edited-tests.ts';
import { changeOf, findMutants, type Mutant, mutatedText } from '../faults/find-mutants.ts';
import { mirroringTests } from '../faults/mirroring-tests.ts';
import { projectRoot } from '../faults/source-edit.ts';
import { survivors } from '../faults/survivors.ts';

const folders = ['passes', 'src/analysis', 'runtime/kernels'];

function sourceFiles(): readonly string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => join(folder, path))
      .sort(),
  );
}

export async function mutantTable(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '60' },
      only: { type: 'string', default: '' },
      list: { type: 'boolean', default: false },
    },
  });
  const files = sourceFiles().filter((file) => file.includes(values.only));
  const all = files.flatMap(findMutants);
  const drawn = draw(all, Number(values.count), Number(values.seed));
  console.log(`${drawn.length} of ${all.length} mutants of ${files.length} files, seed ${values.seed}`);
  if (values.list) return drawn.map(describe).join('\n');
  await using tests = editedTests();
  const clean = new Map<string, boolean>();
  const alive: Mutant[] = [];
  for (const mutant of drawn) {
    const caughtBy = await firstFailure(tests, clean, mutant);
    const why = caughtBy === undefined ? knownReason(mutant) : undefined;
    console.log(`${describe(mutant)}\n    ${caughtBy ?? (why === undefined ? 'SURVIVES' : `survives: ${why}`)}`);
    if (caughtBy === undefined && why === undefined) alive.push(mutant);
  }
  return `${alive.length} survivors without a known reason\n${alive.map(describe).join('\n')}`;
}

/** Without replacement; the same for the same sources and seed. */
function draw(all: readonly Mutant[], count: number, seed: number): readonly Mutant[] {
  const key = randomKey(seed, 0, 0);
  const left = [...all];
  const drawn: Mutant[] = [];
  for (let i = 0; i < count && left.length > 0; i++)
    drawn.push(...left.splice(Math.floor(uniformAt(key, i) * left.length), 1));
  return drawn;
}

async function firstFailure(
  tests: EditedTests,
  clean: Map<string, boolean>,
  mutant: Mutant,
): Promise<string | undefined> {
  const replaced = { [mutant.file]: mutatedText(mutant) };
  for (const test of mirroringTests(mutant.file)) {
    if (!clean.has(test)) clean.set(test, (await tests.run({ replaced: {}, test })) === undefined);
    // A test that fails without any change tells nothing.
    const failed = clean.get(test) === true ? await tests.run({ replaced, test }) : undefined;
    if (failed !== undefined) return failed;
  }
  return undefined;
}

function describe(mutant: Mutant): string {
  return `${mutant.file}:${mutant.line} ${changeOf(mutant)}\n    ${mutant.text}`;
}

function knownReason(mutant: Mutant): string | undefined {
  const change = changeOf(mutant);
  return survivors.find(
    ({ file, text, change: known }) => file === mutant.file && text === mutant.text && known === change,
  )?.why;
}
