/** Nothing of a model reaches a terminal, a drawing or a program uninterpreted: every name here tries to. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ModelBuilder } from '../../src/frontend/builder/model-builder.ts';
import { writeSafetensors } from '../../src/frontend/safetensors.ts';
import { printGraph } from '../../src/ir/print.ts';
import { importEmitted } from '../codegen/emit/emitted-step.ts';
import { sublinear, temporaryFolder } from './harness.ts';

const hostile = [
  '\u001b[31mred\u001b[0m',
  '\u009b2Jgone',
  '\u001b]0;title\u0007',
  'turned\u202eback',
  'hidden\u200b\u2066',
  'two\nlines',
  'return\rto',
  'end*/globalThis.broken=1;/*',
  'quote\'";globalThis.broken=1;//',
  `\`\${globalThis.broken=1}\``,
  '</text><script>alert(1)</script>',
  '"];node[label="x',
  'line\u2028separator',
  'tag\u{e0041}',
];

/** What a terminal would obey, or shows as something else than it is; lines and tabs are texts' own. */
const obeyed = /[^\P{Cc}\n\t]|[\p{Cf}\p{Zl}\p{Zp}]/u;

let folder = '';
let model = '';

beforeAll(() => {
  folder = temporaryFolder('file');
  const m = new ModelBuilder('graph\u001b[1m\nof names');
  let h = m.input(hostile[0]!, [2, 4]);
  for (const name of hostile.slice(1)) h = m.tanh(m.linear(h, 4, { name }));
  m.output(h, 'out\u001b[2J');
  m.loss(m.mean(h));
  const { graph, weights } = m.finish();
  model = join(folder, 'names.ir');
  writeFileSync(model, printGraph(graph));
  writeFileSync(join(folder, 'names.safetensors'), writeSafetensors(weights));
});

async function expectTame(...argv: readonly string[]): Promise<string> {
  const { stdout, stderr } = await sublinear(...argv);
  expect(stdout).not.toMatch(obeyed);
  expect(stderr).not.toMatch(obeyed);
  return stdout + stderr;
}

describe('names of a model', () => {
  it.each([
    ['inspect'],
    ['inspect', '--json'],
    ['run', '--explain'],
    ['run', '--json', '--explain'],
    ['run', '--loss', 'mse:nothing'],
    ['run', '--strategy', 'manual', '--checkpoint', 'two\nlimes'],
    ['compile', '--explain', '--print-after', 'plan'],
    ['compile', '--bad-option-\u001b[31m'],
    ['pareto'],
  ])('are shown by %s, and not obeyed', async (command, ...options) => {
    const printed = await expectTame(command, model, ...options);
    if (options.includes('--json')) expect(() => JSON.parse(printed)).not.toThrow();
  });

  it('stand on one line of a table', async () => {
    const printed = await expectTame('inspect', model);
    expect(printed).toContain('two\\u000alines.weight');
    expect(printed).not.toMatch(/^lines/m);
  });

  it('of intervals and of folders are shown', async () => {
    const csv = join(folder, 'intervals.csv');
    writeFileSync(csv, `id,lower,upper,size\n${hostile[0]},0,1,64\n${hostile[3]},0,2,64\n`);
    expect(await expectTame('arena', csv)).toContain('\\u001b[31mred');
    expect(JSON.parse(await expectTame('arena', csv, '--json')).offsets).toHaveProperty([hostile[0]!]);
    const tests = join(folder, 'tests');
    mkdirSync(join(tests, 'test\u001b[31m\nFAILED', 'test_data_set_0'), { recursive: true });
    writeFileSync(join(tests, 'test\u001b[31m\nFAILED', 'model.onnx'), 'no model');
    await expectTame('check', tests);
  });

  it('are text in drawings and programs', async () => {
    const out = join(folder, 'out');
    const { stderr, code } = await sublinear('compile', model, '--emit', 'ts,dot,svg,ir,plan', '-o', out);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const files = Object.fromEntries(
      ['ts', 'dot', 'svg', 'ir'].map((kind) => [kind, readFileSync(join(out, `step.${kind}`), 'utf8')]),
    );
    for (const kind of ['ts', 'ir']) expect(files[kind], kind).not.toMatch(obeyed);
    for (const kind of ['dot', 'svg']) expect(files[kind], kind).not.toMatch(obeyed);
    expect(files.svg).not.toMatch(/<script/i);
    expect(files.dot).not.toMatch(/^node\[label/m);
    const { createStep } = await importEmitted(files.ts!);
    createStep();
    expect(globalThis).not.toHaveProperty('broken');
  });
});
