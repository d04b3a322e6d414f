/**
 * The README is a program: every block in it runs, and every output and table in it is what comes out.
 *
 * `ts` blocks run in a process of their own, `npx sublinear` lines in this one, in a folder that holds the examples; blocks
 * that begin with a file's name are written there first. A `text` block is the output of the block before it, seconds
 * aside. `UPDATE_README=1 npx vitest run test/readme.test.ts` writes outputs and tables anew, to be read in review.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { strategies } from '../passes/plan/strategies.ts';
import { createProgram } from '../src/cli/program.ts';
import { compile } from '../src/compile.ts';
import { listedOperators, operatorTable } from '../src/frontend/onnx/operator-table.ts';
import { graphNames, loadGraph } from './bench/graphs.ts';
import { sublinear, temporaryFolder } from './cli/harness.ts';
import { sharedData } from './shared-data.ts';

const root = resolve(import.meta.dirname, '..');
const path = join(root, 'README.md');
const updating = process.env.UPDATE_README !== undefined;
let readme = readFileSync(path, 'utf8');

interface Block {
  readonly language: string;
  readonly text: string;
}

const blocks = [...readme.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(
  ([, language, text]): Block => ({ language: language!, text: text! }),
);

/** Seconds differ from run to run, and with them the width of a table's columns; nothing else may. */
function withoutSeconds(text: string): string {
  return text
    .replace(/^( *seconds) .*$/gm, '$1')
    .replace(/\d+(\.\d+)? m?s\b/g, 'seconds')
    .replace(/ +/g, ' ')
    .replace(/ $/gm, '')
    .trim();
}

/** Holds the `text` block that follows the n-th block, if one does, to `output`. */
function checkOutput(n: number, output: string): void {
  const expected = blocks[n + 1];
  if (expected?.language !== 'text') return;
  if (updating) replaceAfter(blocks[n]!.text, expected.text, `${output.trimEnd()}\n`);
  else expect(withoutSeconds(output)).toBe(withoutSeconds(expected.text));
}

/** Within the README, the first `old` block after the block `before`. */
function replaceAfter(before: string, old: string, now: string): void {
  const start = readme.indexOf(before) + before.length;
  const at = readme.indexOf(`\`\`\`text\n${old}\`\`\``, start);
  readme = `${readme.slice(0, at)}\`\`\`text\n${now}${readme.slice(at + '```text\n'.length + old.length)}`;
}

/** What stands between `<!-- generated: NAME -->` and `<!-- end -->`. */
function checkGenerated(name: string, made: string): void {
  const region = new RegExp(`(<!-- generated: ${name} -->\n)([\\s\\S]*?)(<!-- end -->)`);
  const found = region.exec(readme);
  expect(found, name).not.toBeNull();
  if (updating)
    readme = readme.replace(region, (_, head: string, _old: string, end: string) => `${head}${made.trimEnd()}\n${end}`);
  else expect(found![2]!.trim()).toBe(made.trim());
}

let folder = '';

/** Words of a shell command in which single quotes hold words together. */
function shellWords(line: string): readonly string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2]!);
}

async function runShell(text: string): Promise<string> {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  let printed = '';
  for (const line of text.trim().split('\n')) {
    const words = shellWords(line);
    if (words[0] === 'npm') {
      // Not run from here: that would run this test. What each names must exist.
      expect(line).toMatch(/^npm ci && npm (run )?[\w:]+$/);
      expect(Object.keys(scripts)).toContain(words.at(-1));
      continue;
    }
    expect(words.slice(0, 2)).toEqual(['npx', 'sublinear']);
    const { code, stdout, stderr } = await sublinear(...words.slice(2));
    expect({ line, code, stderr: code === 0 ? '' : stderr }).toEqual({ line, code: 0, stderr: '' });
    expect(stdout).not.toBe('');
    printed += stdout;
  }
  return printed;
}

const run = promisify(execFile);

/** Code that imports the package, with the source in its place. */
function withPackage(text: string): string {
  return text.replace("'sublinear'", JSON.stringify(join(root, 'src/index.ts')));
}

async function runProgram(text: string, n: number): Promise<string> {
  const file = join(folder, `block-${n}.ts`);
  writeFileSync(file, withPackage(text));
  const { stdout, stderr } = await run(
    process.execPath,
    ['--import', join(root, 'node_modules/tsx/dist/loader.mjs'), file],
    {
      cwd: folder,
    },
  );
  expect(stderr).toBe('');
  return stdout;
}

describe('README.md', () => {
  const home = process.cwd();
  beforeAll(() => {
    folder = temporaryFolder('file');
    symlinkSync(join(root, 'examples'), join(folder, 'examples'));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
    process.chdir(folder);
  });
  afterAll(() => {
    process.chdir(home);
    if (updating) writeFileSync(path, readme);
  });

  it('has two lines that say what it is, and the two commands at once', () => {
    const [title, , ...rest] = readme.split('\n');
    expect(title).toBe('# sublinear');
    expect(rest.indexOf('')).toBe(2);
    expect(blocks.slice(0, 2)).toEqual([
      { language: 'sh', text: 'npm ci && npm start\n' },
      { language: 'sh', text: 'npm ci && npm test\n' },
    ]);
    expect(readFileSync(join(root, '.ci/run'), 'utf8')).toContain('\nnpm ci && npm test\n');
    expect(
      blocks[2]!.text
        .trim()
        .split('\n')
        .filter((line) => line !== '').length,
    ).toBeLessThanOrEqual(15);
  });

  blocks.forEach(({ language, text }, n) => {
    if (language === 'text') {
      it(`block ${n + 1} is an output`, () => expect(['sh', 'ts']).toContain(blocks[n - 1]?.language));
      return;
    }
    it(`block ${n + 1} (${language}): ${text.split('\n')[0]}`, async () => {
      const name = /^(?:\/\/|#) (\S+)\n/.exec(text)?.[1];
      if (language === 'sh') checkOutput(n, await runShell(text));
      else if (language === 'ts' && name === undefined) checkOutput(n, await runProgram(text, n));
      else {
        expect(name, 'a file of another language says its name first').toBeDefined();
        mkdirSync(dirname(join(folder, name!)), { recursive: true });
        const code = language === 'js' || language === 'ts';
        writeFileSync(join(folder, name!), code ? withPackage(text) : text.slice(text.indexOf('\n') + 1));
      }
    });
  });

  it('lists every strategy, and every command', () => {
    const section = readme.slice(readme.indexOf('## Strategies'), readme.indexOf('## Before and after'));
    const listed = [...section.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
    expect(listed).toEqual([...strategies.keys()]);
    for (const command of createProgram().commands) expect(readme).toContain(`sublinear ${command.name()}`);
  });

  it('lists every operator', () => {
    const operators = listedOperators();
    const gradients = operators.filter(({ gradient }) => gradient).length;
    checkGenerated(
      'operators',
      `${operators.length} ONNX operators, ${gradients} of them with gradients.\n\n${operatorTable()}`,
    );
  });

  it.skipIf(sharedData('graphs') === undefined)('states the bytes of the full-size graphs as they are', () => {
    const shown = ['none', 'speed', 'memory', 'recursive'];
    const rows = graphNames.map((name) => {
      const { model, loss } = loadGraph(name)!;
      const cells = shown.map((strategy) => {
        const { arenaBytes, flops, recomputeFlops } = compile(model, { losses: [loss], strategy }).figures;
        const extra = (100 * recomputeFlops) / (flops - recomputeFlops);
        return `${(arenaBytes / 1e6).toFixed(0)}${strategy === 'none' ? '' : ` (+${extra.toFixed(1)} %)`}`;
      });
      return `| ${name} | ${cells.join(' | ')} |`;
    });
    checkGenerated(
      'graphs',
      [`| graph | ${shown.join(' | ')} |`, `|---|${shown.map(() => '--:|').join('')}`, ...rows].join('\n'),
    );
  });

  it('links to files, and names scripts, that are there', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    for (const [, script] of readme.matchAll(/`npm run ([\w:]+)/g)) expect(Object.keys(scripts)).toContain(script);
    for (const [, target] of readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g))
      expect(() => readFileSync(join(root, target!)), target).not.toThrow();
  });
});
