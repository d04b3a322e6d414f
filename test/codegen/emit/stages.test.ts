import { describe, expect, it } from 'vitest';
import type { ProgramStep, Region } from '../../../runtime/program.ts';
import { stagesOf } from '../../../src/codegen/emit/stages.ts';

function step(name: string, region: Region, recompute?: string, calls = 1): ProgramStep {
  return {
    name,
    op: 'tanh',
    region,
    ...(recompute !== undefined && { recompute }),
    calls: Array.from({ length: calls }, () => ({ kernel: () => {}, args: [] })),
    comment: name,
    liveBytes: 0,
    frees: [],
  };
}

const many = (count: number, prefix: string, region: Region, recompute?: string): readonly ProgramStep[] =>
  Array.from({ length: count }, (_, i) => step(`${prefix}${i}`, region, recompute));

describe('stagesOf', () => {
  it('follows forward, each backward segment, update', () => {
    const stages = stagesOf([
      ...many(10, 'h', 'forward'),
      ...many(10, 'd', 'backward'),
      ...many(4, 'r', 'forward', 'h'),
      ...many(10, 'e', 'backward'),
      ...many(2, 'u', 'update'),
    ]);
    expect(stages.map(({ name, summary, lines }) => [name, summary, lines.length])).toEqual([
      ['forward', 'Forward.', 10],
      ['backward1', 'Backward, segment 1 of 2.', 10],
      ['backward2', 'Backward, segment 2 of 2: 4 recomputed, 10 of the gradients.', 14],
      ['update', 'Update.', 2],
    ]);
  });

  it('cuts what has more than 200 calls into even parts, and keeps all lines in order', () => {
    const steps = [...many(450, 'h', 'forward'), step('wide', 'backward', undefined, 350)];
    const stages = stagesOf(steps);
    expect(stages.map((stage) => stage.lines.length)).toEqual([150, 150, 150, 175, 175]);
    expect(stages.map((stage) => stage.name)).toEqual(['forward1', 'forward2', 'forward3', 'backward1', 'backward2']);
    expect(
      stages
        .flatMap((stage) => stage.lines)
        .filter((line) => line.first)
        .map((line) => line.step),
    ).toEqual(steps);
  });

  it('joins segments too short to be read on their own', () => {
    const pair = [...many(1, 'r', 'forward', 'h'), ...many(1, 'd', 'backward')];
    expect(stagesOf([...many(3, 'h', 'forward'), ...pair, ...pair, ...pair])).toHaveLength(2);
  });

  it('leaves updates that come between gradients where they are', () => {
    const stages = stagesOf([step('h', 'forward'), step('d', 'backward'), step('u', 'update'), step('e', 'backward')]);
    expect(stages.map((stage) => stage.name)).toEqual(['forward', 'backward']);
  });
});
