/** Chains whose optimum Griewank and Walther give in closed form. */
import type { PlanGraph } from '../../../../src/analysis/plan-graph.ts';

/** Bytes of each value. */
export const unit = 64;

/** Each forward node writes over its operand where that dies; each backward node reads the operand and hands the gradient on in place. */
export function reversalChain(length: number): PlanGraph {
  const forward = Array.from({ length }, (_, i) => ({
    name: `f${i + 1}`,
    inputs: [i === 0 ? 'x0' : `x${i}`],
    outputs: [{ name: `x${i + 1}`, bytes: unit, ...(i > 0 && { over: `x${i}` }) }],
    cost: 1,
    region: 'forward' as const,
    recomputable: true,
    scratch: 0,
  }));
  const backward = Array.from({ length }, (_, i) => {
    const k = length - i;
    const gradient = k === length ? `x${length}` : `g${k + 1}`;
    return {
      name: `b${k}`,
      inputs: [gradient, `x${k - 1}`],
      outputs: [{ name: `g${k}`, bytes: unit, over: gradient }],
      cost: 0,
      region: 'backward' as const,
      recomputable: false,
      scratch: 0,
    };
  });
  return { inputs: [{ name: 'x0', bytes: unit }], nodes: [...forward, ...backward], outputs: ['g1'] };
}

/** Griewank and Walther 2000 (Algorithm 799, eq. 2): forward steps that reversing n steps with s checkpoints takes. */
export function fewestForwardSteps(n: number, s: number): number {
  const binomial = (a: number, b: number): number => {
    if (b < 0) return 0;
    let value = 1;
    for (let i = 1; i <= b; i++) value = (value * (a - b + i)) / i;
    return Math.round(value);
  };
  let r = 0;
  while (binomial(s + r, s) < n) r++;
  return r * n - binomial(s + r, r - 1);
}
