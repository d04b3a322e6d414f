/**
 * The harness at full width, for as many graphs as a test run bears; `npm run bench -- fuzz` runs thousands. And the
 * harness itself: what is planted is found, and made small.
 */
import { describe, expect, it } from 'vitest';
import type { Memory } from '../runtime/memory.ts';
import type { Kernel } from '../runtime/program.ts';
import { parseCase, printCase } from './fuzz/case-file.ts';
import { type CheckOptions, checkCase } from './fuzz/check-case.ts';
import { drawCase } from './fuzz/fuzz-case.ts';
import { runCases } from './fuzz/run-cases.ts';

const asked = process.env.FC_SEED;
const seed = 10_000 * (asked === 'random' ? Math.floor(Math.random() * 100_000) : Number(asked ?? 20));

describe('random graphs over the whole op table', () => {
  it(`hold under every strategy, on every backend: from seed ${seed}`, async () => {
    const { failures, cases, plans } = await runCases({ seed, count: 150, emitEvery: 100 });
    expect(failures.map(({ text }) => text)).toEqual([]);
    expect(cases).toBe(150);
    expect(plans).toBeGreaterThan(300);
  });
});

/** The first failure that wrong kernels lead to. */
async function firstFailure(wrong: NonNullable<CheckOptions['wrong']>, from: number) {
  let found = false;
  const { failures } = await runCases({
    seed: from,
    count: 400,
    wrong,
    emitEvery: Number.POSITIVE_INFINITY,
    shouldStop: () => found,
    onFailure: () => {
      found = true;
    },
  });
  return failures[0]!;
}

describe('a planted fault is found and made small', () => {
  it('a kernel that is wrong: by nodes run one by one', async () => {
    const cosine = (m: Memory, x: number, y: number, count: number): void => {
      for (let i = 0; i < count; i++) m.f32[y / 4 + i] = Math.cos(m.f32[x / 4 + i]!) + 1e-3;
    };
    const wrong = new Map<string, Kernel>([['cos', cosine]]);
    const { faults, smallest, text } = await firstFailure(wrong, 1);
    expect(faults[0]?.check).toBe('evaluation');
    expect(smallest.model.graph.nodes.length).toBeLessThanOrEqual(3);
    expect(smallest.model.graph.nodes.some((node) => node.op === 'cos')).toBe(true);
    expect(smallest.training).toEqual({});
    const again = parseCase(text);
    expect(checkCase(again, { wrong }).faults[0]?.check).toBe('evaluation');
    expect(checkCase(again).faults).toEqual([]);
  });

  it('a kernel that is wrong in place only', async () => {
    const tanh = (m: Memory, x: number, y: number, count: number): void => {
      const inPlace = x === y;
      for (let i = 0; i < count; i++) m.f32[y / 4 + i] = Math.tanh(m.f32[x / 4 + (inPlace ? count - 1 - i : i)]!);
    };
    const { smallest } = await firstFailure(new Map<string, Kernel>([['tanh', tanh]]), 1);
    expect(smallest.model.graph.nodes.length).toBeLessThanOrEqual(3);
  });

  it('a kernel that leaves out what it should write: by poison', async () => {
    const negate = (m: Memory, x: number, y: number, count: number): void => {
      for (let i = 0; i + 1 < count; i++) m.f32[y / 4 + i] = -m.f32[x / 4 + i]!;
    };
    const { smallest } = await firstFailure(new Map<string, Kernel>([['negate', negate]]), 1);
    expect(smallest.model.graph.nodes.length).toBeLessThanOrEqual(3);
  });
});

describe('a case as a text', () => {
  it.each([1, 2, 3, 4, 5, 6])('reads back to itself: %i', (number) => {
    const text = printCase(drawCase(number), []);
    expect(printCase(parseCase(text), [])).toBe(text);
  });
});
