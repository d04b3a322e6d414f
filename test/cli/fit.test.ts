/** `sublinear fit`: the largest batch within a budget, held to what compiling by hand says. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { sublinear, temporaryFolder } from './harness.ts';
import { deepModel, writeInto, writeModel } from './models.ts';

function deep(): string {
  return writeModel(temporaryFolder(), 'deep.onnx', deepModel(4));
}

/** Whether a batch compiles within the budget, and at which extra cost. */
async function extraAt(model: string, batch: number, ...argv: readonly string[]): Promise<number> {
  const { code, stdout } = await sublinear('compile', model, '--dim', `batch=${batch}`, ...argv, '--json');
  if (code !== 0) return Number.POSITIVE_INFINITY;
  const { recomputeCost, baseCost } = JSON.parse(stdout);
  return recomputeCost / baseCost;
}

describe('fit', () => {
  it('finds the largest batch whose extra cost is bearable: the next one is not', async () => {
    const model = deep();
    const budget = ['--arena-budget', '4KiB', '--effort', 'fast'];
    const { code, stdout, stderr } = await sublinear(
      ...['fit', model, '--dim', 'batch=?', ...budget, '--max-extra', '20%', '--json'],
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout);
    expect(Object.keys(report)).toEqual(['model', 'dimension', 'budget', 'extent', 'peakBytes', 'arenaBytes', 'extra']);
    expect(report).toMatchObject({ model, dimension: 'batch', budget: 4 * 1024 });
    expect(report.arenaBytes).toBeLessThanOrEqual(4 * 1024);
    expect(report.extra).toBeLessThanOrEqual(0.2);
    expect(await extraAt(model, report.extent, ...budget)).toBe(report.extra);
    expect(await extraAt(model, report.extent + 1, ...budget)).toBeGreaterThan(0.2);
  });

  it('a dearer recomputation is a larger batch', async () => {
    const model = deep();
    const extent = async (share: string): Promise<number> => {
      const { stdout } = await sublinear(
        ...['fit', model, '--dim', 'batch=?', '--budget', '4KiB', '--max-extra', share, '--json'],
      );
      return JSON.parse(stdout).extent;
    };
    expect(await extent('100%')).toBeGreaterThan(await extent('0%'));
  });

  it('asks a module that exports a function of its dimensions', async () => {
    const builder = JSON.stringify(fileURLToPath(new URL('../../src/index.ts', import.meta.url)));
    const module = writeInto(
      temporaryFolder(),
      'model.ts',
      `import { ModelBuilder } from ${builder};
export const model = ({ batch = 8 }: { batch?: number }) => {
  const m = new ModelBuilder('deep');
  let h = m.input('x', [batch, 16]);
  for (let layer = 0; layer < 6; layer++) h = m.tanh(m.linear(h, 16));
  m.loss(m.sum(h));
  return m.finish();
};
`,
    );
    const argv = ['--budget', '40KiB', '--max-extra', '0%', '--json'];
    const { code, stdout, stderr } = await sublinear('fit', module, '--dim', 'batch=?', ...argv);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { extent, peakBytes } = JSON.parse(stdout);
    expect(extent).toBeGreaterThan(8);
    const own = JSON.parse((await sublinear('compile', module, '--strategy', 'none', '--json')).stdout);
    expect(peakBytes).toBeGreaterThan(own.peakBytes);
    const unknown = await sublinear('compile', module, '--dim', 'btach=2');
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain('has no dimension named "btach"');
  });

  it('tries no more than --limit, and that too', async () => {
    const { stdout } = await sublinear('fit', deep(), '--dim', 'batch=?', '--budget', '1GiB', '--limit', '100');
    expect(stdout).toMatch(/: batch=100 fits: peak [\d.]+ \w+, arena [\d.]+ \w+, recomputation 0\.0 %\n$/);
  });

  it('says what a batch of one would need where not even that fits', async () => {
    const model = deep();
    const { code, stdout, stderr } = await sublinear('fit', model, '--dim', 'batch=?', '--arena-budget', '100');
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    const [, bytes] = /raise the budget to (\d+)/.exec(stderr)!;
    expect(await extraAt(model, 1, '--arena-budget', bytes!)).toBeLessThan(Number.POSITIVE_INFINITY);
  });

  it.each([
    [['--budget', '1MB'], 'fit needs the dimension to vary'],
    [['--dim', 'batch=8', '--budget', '1MB'], 'fit needs the dimension to vary'],
    [['--dim', 'batch=?', '--dim', 'length=?', '--budget', '1MB'], 'one dimension, not batch and length'],
    [['--dim', 'batch=?'], 'fit needs a budget'],
    [['--dim', 'batch=?', '--budget', '40%'], 'a budget of 40% grows with the batch'],
    [['--dim', 'batch=?', '--budget', '0'], 'must be more than nothing'],
    [['--dim', 'batch=?', '--budget', '12 parsecs'], 'is no number of bytes'],
    [['--dim', 'batch=?', '--budget', '1MB', '--arena-budget', '1MB'], 'cannot be used with'],
    [['--dim', 'batch=?', '--budget', '1MB', '--max-extra', '3'], 'Write it like 30%'],
    [['--dim', 'batch=?', '--budget', '1MB', '--limit', '0'], 'at least 1'],
    [['--dim', 'batch=?', '--budget', '1MB', '--strategy', 'memory'], "unknown option '--strategy'"],
  ])('%j is wrong usage', async (argv, message) => {
    const { code, stdout, stderr } = await sublinear('fit', deep(), ...argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('a dimension that the model does not have is an error of the input', async () => {
    const { code, stderr } = await sublinear('fit', deep(), '--dim', 'btach=?', '--dim', 'batch=2', '--budget', '1MB');
    expect(code).toBe(1);
    expect(stderr).toContain('no input has a dimension named "btach"');
  });
});
