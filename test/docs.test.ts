/** ARCHITECTURE.md and CHANGELOG.md say what is so: files that exist, code as it stands, the verifier's own list. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { passes } from '../passes/passes.ts';
import { strategies } from '../passes/plan/strategies.ts';
import { createProgram } from '../src/cli/program.ts';

const root = resolve(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const architecture = read('ARCHITECTURE.md');
const changelog = read('CHANGELOG.md');

describe('ARCHITECTURE.md', () => {
  it('names only files and folders that exist', () => {
    const named = [...architecture.matchAll(/`((?:src|passes|runtime|examples|test|scripts)\/[\w./-]*)`/g)].map(
      (match) => match[1]!,
    );
    expect(new Set(named).size).toBeGreaterThan(50);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it('shows code as it stands in the tree', () => {
    const blocks = [...architecture.matchAll(/^ *```ts\n([\s\S]*?)^ *```$/gm)].map((match) => match[1]!);
    expect(blocks).toHaveLength(2);
    const plain = (text: string): string => text.replaceAll(/^\s+/gm, '').trim();
    expect(plain(read('src/ops/activation.ts'))).toContain(plain(blocks[0]!));
    expect(plain(read('src/frontend/onnx/lowerings/unary.ts'))).toContain(plain(blocks[1]!));
  });

  it('lists as many invariants as the verifier does', () => {
    const header = /^\/\*\*[\s\S]*?\*\//.exec(read('src/analysis/verify.ts'))![0];
    const own = [...header.matchAll(/^ \*\s+(?:\w+\s+)?(\d+) {2}\S/gm)].map((match) => Number(match[1]));
    const table = /\| \| invariants \|\n[\s\S]*?\n\n/.exec(architecture)![0];
    const listed = [...table.matchAll(/(?:\| |\. )(\d+)\. /g)].map((match) => Number(match[1]));
    expect(own.length).toBeGreaterThan(10);
    expect(listed).toEqual(own);
  });

  it('names every pass of the default pipeline, and has the sections that comments refer to', () => {
    for (const name of passes.keys()) if (name !== 'evaluation') expect(architecture, name).toContain(name);
    for (let section = 1; section <= 10; section++) expect(architecture).toMatch(new RegExp(`^## ${section}\\. `, 'm'));
  });
});

describe('CHANGELOG.md', () => {
  it('has the version of the package first', () => {
    const { version } = JSON.parse(read('package.json'));
    expect(/^## (\S+?),/m.exec(changelog)?.[1]).toBe(version);
  });

  it('mentions every command and strategy that there is', () => {
    const unsaid = ['passes', 'ops', 'inspect', 'compile', 'run', 'help'];
    for (const command of createProgram().commands)
      if (!unsaid.includes(command.name())) expect(changelog).toContain(`sublinear ${command.name()}`);
    for (const name of strategies.keys()) expect(changelog, name).toContain(name);
  });

  it('states bytes that the example still takes', async () => {
    const { sublinear } = await import('./cli/harness.ts');
    const { stdout } = await sublinear('run', 'examples/mlp.ts', '--strategy', 'memory', '--compare');
    const [, before, after] = /^ {2}arena +(\S+ \S+) +(\S+ \S+) /m.exec(stdout)!;
    expect(changelog).toContain(`an arena of ${before}. After, under \`memory\`: ${after},`);
  });
});

describe('the license', () => {
  it('is the one that package.json names', () => {
    expect(JSON.parse(read('package.json')).license).toBe('Apache-2.0');
    expect(read('LICENSE')).toMatch(/Apache License\s+Version 2\.0, January 2004/);
  });
});
