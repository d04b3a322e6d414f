import { expect, it, vi } from 'vitest';
import { main } from '../../examples/train-cnn.ts';

it('train-cnn learns what a linear model cannot, with equal losses under recomputation', () => {
  const lines: string[] = [];
  const spy = vi.spyOn(console, 'log').mockImplementation((line: string) => lines.push(line));
  try {
    main();
  } finally {
    spy.mockRestore();
  }
  const shares = lines.flatMap((line) => {
    const match = /([\d.]+) %(?= of held-out| right)/.exec(line);
    return match === null ? [] : [Number(match[1])];
  });
  const [linear, ...convolutional] = shares;
  expect(linear).toBeLessThan(40);
  expect(convolutional).toHaveLength(2);
  for (const share of convolutional) expect(share).toBeGreaterThan(95);
  expect(lines.at(-1)).toBe('all 120 losses are equal, bit for bit');
});
