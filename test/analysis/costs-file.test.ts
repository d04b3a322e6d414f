import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { costKey, nodeCost, rooflineCost } from '../../src/analysis/cost-model.ts';
import {
  type CostsFile,
  costModelNamed,
  parseCostsFile,
  printCostsFile,
  unmeasuredNodes,
} from '../../src/analysis/costs-file.ts';
import { compile } from '../../src/compile.ts';
import { ModelBuilder } from '../../src/frontend/builder/model-builder.ts';
import { SublinearError } from '../../src/ir/diagnostic.ts';
import { opNamed } from '../../src/ops/table.ts';
import { temporaryFolder } from '../cli/harness.ts';

const file: CostsFile = {
  format: 'sublinear-costs/1',
  model: 'm',
  graphHash: 'abc',
  backend: 'js',
  runs: 9,
  count: 2,
  slowdown: 2.5,
  costs: { 'tanh  f32[2] f32[2]': 12, 'exp  f32[2] f32[2]': 7 },
};

function errorOf(run: () => unknown): SublinearError {
  try {
    run();
  } catch (error) {
    if (error instanceof SublinearError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** tanh(x W) on [8, 16]. */
function planned() {
  const m = new ModelBuilder('tiny');
  m.loss(m.sum(m.tanh(m.linear(m.input('x', [8, 16]), 16))));
  const { graph, weights, losses } = m.finish();
  return compile({ graph, weights }, { losses, strategy: 'none' }).planned;
}

describe('a costs file', () => {
  it('reads back as it was printed, its costs in order', () => {
    const text = printCostsFile(file);
    expect(parseCostsFile(text, 'costs.json')).toEqual(file);
    expect(printCostsFile(parseCostsFile(text, 'costs.json'))).toBe(text);
    expect(text.indexOf('exp ')).toBeLessThan(text.indexOf('tanh '));
  });

  it('written by hand needs its format and costs only', () => {
    const text = JSON.stringify({ format: 'sublinear-costs/1', costs: { a: 1 } });
    expect(parseCostsFile(text, 'x')).toEqual({ format: 'sublinear-costs/1', costs: { a: 1 } });
  });

  it.each([
    ['', 'costs.json is not JSON'],
    ['x'.repeat(1e6), 'costs.json is not JSON'],
    ['[]', 'costs.json is no file of costs'],
    [JSON.stringify({ ...file, format: 'sublinear-costs/2' }), 'is no file of costs: format'],
    [JSON.stringify({ ...file, costs: { a: -1 } }), 'is no file of costs: costs.a'],
    [JSON.stringify({ ...file, costs: { a: 1.5 } }), 'is no file of costs: costs.a'],
    [JSON.stringify({ ...file, costs: { a: '1' } }), 'is no file of costs: costs.a'],
    [JSON.stringify({ ...file, costs: [1] }), 'is no file of costs: costs'],
    [JSON.stringify({ ...file, slowdown: 0 }), 'is no file of costs: slowdown'],
    [JSON.stringify({ ...file, count: 3 }), 'says it has 3 costs, and has 2: it was changed or cut short'],
  ])('that is none is refused: %.30s', (text, message) => {
    const error = errorOf(() => parseCostsFile(text, 'costs.json'));
    expect(error.exitCode).toBe(1);
    expect(error.message).toContain(message);
    expect(error.message.length).toBeLessThan(500);
    expect(error.message).toContain('run MODEL --profile FILE');
  });
});

describe('measured costs', () => {
  const graph = planned();
  const node = graph.nodes.find(({ op }) => op === 'tanh')!;
  const other = graph.nodes.find(({ op }) => op === 'matmul')!;
  const costs = { [costKey(node)]: 12345 };

  it('are those of the file; a node without one has so many times its roofline', () => {
    expect(nodeCost({ costs }, opNamed('tanh'), node)).toBe(12345);
    const nominal = rooflineCost(opNamed('matmul'), other);
    expect(nodeCost({ costs }, opNamed('matmul'), other)).toBe(nominal);
    expect(nodeCost({ costs, slowdown: 2.5 }, opNamed('matmul'), other)).toBe(Math.ceil(2.5 * nominal));
    const counted = graph.nodes.filter(({ op }) => opNamed(op).effect !== 'view').length;
    expect(unmeasuredNodes(graph, { costs })).toBe(counted - 1);
    expect(unmeasuredNodes(graph, 'unit')).toBe(0);
  });

  it('are of nobody where the key is the name of a method', () => {
    expect(nodeCost({ costs: {} }, opNamed('tanh'), { ...node, op: 'constructor', attributes: {} })).toBeGreaterThan(0);
  });

  it('are named by their file; a file may have the name of a model behind ./', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'unit'), printCostsFile(file));
    const found = costModelNamed(join(folder, 'unit'));
    expect(found).toMatchObject({ name: 'measured', model: file, source: { file: join(folder, 'unit') } });
    expect(found.source?.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(costModelNamed('unit')).toEqual({ name: 'unit', model: 'unit' });
  });

  it('that are not there: a file, or a slip of the name of a model', () => {
    expect(errorOf(() => costModelNamed('rofline'))).toMatchObject({ exitCode: 2 });
    expect(errorOf(() => costModelNamed('rofline')).message).toContain('did you mean "roofline"?');
    expect(errorOf(() => costModelNamed('absent.json'))).toMatchObject({ exitCode: 1 });
    expect(errorOf(() => costModelNamed('absent.json')).message).toBe(
      'cannot read the costs absent.json: there is no such file',
    );
  });
});
