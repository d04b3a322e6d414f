/**
 * The harness at full width: random graphs over the whole op table under every strategy and within budgets, on every
 * backend. What fails is made small and written to a file that `--again FILE` shows again.
 */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '../../src/cli/format.ts';
import { parseCase } from '../fuzz/case-file.ts';
import { checkCase } from '../fuzz/check-case.ts';
import { emittedShare, runCases, type Tally } from '../fuzz/run-cases.ts';

/** Milliseconds between two lines of progress. */
const interval = 10_000;

/** `args`: `--seed` (default 1), `--count` (20,000), `--seconds` (no limit), `--again FILE`. */
export async function fuzzTable(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      count: { type: 'string' },
      seconds: { type: 'string' },
      again: { type: 'string' },
    },
  });
  if (values.again !== undefined) return again(values.again);
  const seed = Number(values.seed ?? 1);
  const count = Number(values.count ?? 20_000);
  const seconds = Number(values.seconds ?? Number.POSITIVE_INFINITY);
  console.log(`seed ${seed}, count ${count}; one case in ${emittedShare} is emitted too`);
  const started = performance.now();
  let told = started;
  let folder: string | undefined;
  const tally = await runCases({
    seed,
    count,
    shouldStop: () => performance.now() - started > 1000 * seconds,
    onCase: ({ cases, failures }) => {
      if (performance.now() - told < interval) return;
      told = performance.now();
      process.stderr.write(`${cases} graphs, ${failures.length} faults, ${Math.round((told - started) / 1000)} s\n`);
    },
    onFailure: (failure) => {
      folder ??= mkdtempSync(join(tmpdir(), 'sublinear-fuzz-'));
      const path = join(folder, `case-${failure.seed}.ir`);
      writeFileSync(path, failure.text);
      const { graph } = failure.smallest.model;
      const [first] = failure.faults;
      process.stderr.write(
        `case ${failure.seed}: ${first?.check}: ${first?.text}\n  ${graph.nodes.length} nodes: ${path}\n`,
      );
      process.exitCode = 1;
    },
  });
  return rows(tally, (performance.now() - started) / 1000);
}

function rows(tally: Tally, seconds: number): string {
  const kinds = [...tally.kinds].map(([kind, count]) => `${count} ${kind}`).join(', ');
  return formatTable([
    ['', 'number'],
    ['graphs', `${tally.cases} (${kinds})`],
    ['left nothing to do, and were refused', String(tally.refused)],
    ['with an optimizer', String(tally.trained)],
    ['plans run on js, wasm, in parts, with poison', String(tally.plans)],
    ['emitted, js and wasm', String(tally.emitted)],
    ['plans on a team of 2 threads', `${tally.onThreads} (${tally.sharedCalls} shared calls)`],
    ['graphs a minute', String(Math.round((60 * tally.cases) / seconds))],
    ['faults', String(tally.failures.length)],
  ]);
}

function again(path: string): string {
  const { faults, plans } = checkCase(parseCase(readFileSync(path, 'utf8')));
  if (faults.length > 0) process.exitCode = 1;
  return [`${plans} plans, ${faults.length} faults`, ...faults.map(({ check, text }) => `${check}: ${text}`)].join(
    '\n',
  );
}
