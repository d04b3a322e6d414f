import { describe, expect, it } from 'vitest';
import { resolvePipeline } from '../../passes/pass-manager.ts';
import { parsePipeline, printPipeline } from '../../passes/pipeline.ts';
import { SublinearError } from '../../src/ir/diagnostic.ts';

const standard = 'fold,canonicalize,cse,autodiff,dce,plan{strategy=memory},recompute,memory-plan';

function failure(run: () => unknown): SublinearError {
  try {
    run();
  } catch (error) {
    if (error instanceof SublinearError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a pipeline', () => {
  it('prints back to the text it was read from', () => {
    for (const text of [standard, 'plan{strategy=manual,values=[a,"b,c",/m/x:0]}', 'plan{strategy=memory,segments=4}'])
      expect(printPipeline(parsePipeline(text))).toBe(text);
  });

  it('points at what is not well formed', () => {
    const error = failure(() => parsePipeline('fold,plan{strategy'));
    expect(error.exitCode).toBe(2);
    expect(error.message).toContain('column 19: expected "="');
    expect(failure(() => parsePipeline('fold}')).message).toContain('expected "," or the end');
    expect(failure(() => parsePipeline('')).message).toContain('the name of a pass');
  });

  it('is accepted in its standard order', () => {
    expect(resolvePipeline(parsePipeline(standard)).map((pass) => pass.name)).toHaveLength(8);
  });

  it('refuses cse after recompute, which it would undo', () => {
    const error = failure(() => resolvePipeline(parsePipeline('autodiff,plan,recompute,cse')));
    expect(error.message).toContain('must not run after');
    expect(error.exitCode).toBe(2);
  });

  it('refuses recompute without a plan', () => {
    expect(failure(() => resolvePipeline(parsePipeline('autodiff,recompute'))).message).toContain('needs a plan first');
  });

  it('names the nearest pass and the nearest option', () => {
    expect(failure(() => resolvePipeline(parsePipeline('autodif'))).message).toContain('did you mean "autodiff"?');
    expect(failure(() => resolvePipeline(parsePipeline('plan{strateg=all}'))).message).toContain(
      'did you mean "strategy"?',
    );
  });
});
