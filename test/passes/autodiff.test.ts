import { describe, expect, it } from 'vitest';
import { differentiate } from '../../passes/autodiff.ts';
import { SublinearError } from '../../src/ir/diagnostic.ts';
import { parseGraph } from '../../src/ir/parse.ts';
import { printGraph } from '../../src/ir/print.ts';

function backward(text: string, losses: readonly string[], wrt: readonly string[]): string {
  const { graph } = differentiate(
    { graph: parseGraph(`sublinear-ir 1\n${text}`), weights: new Map() },
    { losses, wrt },
  );
  const printed = printGraph(graph);
  return `${printed.slice(printed.indexOf('->') + 3, printed.indexOf(' {\n'))}\n${printed.slice(printed.indexOf('backward:'))}`;
}

describe('differentiate', () => {
  it('reads the cheaper thing and names gradients after their values', () => {
    expect(
      backward(
        `graph @g(%x: f32[2,3]) params(%w: f32[3,4]) -> (%loss) {
forward:
  %h = matmul %x, %w {transpose_a=false, transpose_b=false} : f32[2,4] // fc
  %a = tanh %h : f32[2,4]
  %loss = reduce_sum %a {axes=[0,1], keep_dims=false} : f32[]
}
`,
        ['loss'],
        ['w'],
      ),
    ).toBe(
      `(%loss, %d_w as "d_w" of %w)
`.replace(' as "d_w"', '') +
        `backward:
  %d_loss.reshape = reshape %one {shape=[1,1]} : f32[1,1] gradient(%loss)
  %d_a = broadcast_to %d_loss.reshape {shape=[2,4]} : f32[2,4] gradient(%loss)
  %d_h = tanh_grad %d_a, %a : f32[2,4] gradient(%a)
  %d_w = matmul %x, %d_h {transpose_a=true, transpose_b=false} : f32[3,4] gradient(%h) // fc
}
`,
    );
  });

  it('adds the contributions of a shared parameter in the order in which they arise', () => {
    expect(
      backward(
        `graph @g() params(%w: f32[]) -> (%b) {
forward:
  %a = multiply %w, %w : f32[]
  %b = add %a, %w : f32[]
}
`,
        ['b'],
        ['w'],
      ),
    ).toBe(`(%b, %d_w.sum.1 as "d_w" of %w)
backward:
  %d_w = multiply_grad %one, %w : f32[] gradient(%a)
  %d_w.1 = multiply_grad %one, %w : f32[] gradient(%a)
  %d_w.sum = add %one, %d_w : f32[] gradient(%a)
  %d_w.sum.1 = add %d_w.sum, %d_w.1 : f32[] gradient(%a)
}
`);
  });

  it('sums several losses', () => {
    const text = backward(
      `graph @g() params(%w: f32[]) -> (%a, %b) {
forward:
  %a = tanh %w : f32[]
  %b = exp %w : f32[]
}
`,
      ['a', 'b'],
      ['w'],
    );
    expect(text).toContain('%d_w.sum = add');
  });

  it('gives zeros for a value the loss does not depend on', () => {
    const text = backward(
      `graph @g(%x: f32[]) params(%w: f32[2]) -> (%a) {
forward:
  %a = tanh %x : f32[]
}
`,
      ['a'],
      ['x', 'w'],
    );
    expect(text).toContain('%zeros_w as "d_w" of %w');
  });

  it('skips what is not asked for: the frozen twin', () => {
    const graph = `graph @g(%x: f32[2,2]) params(%v: f32[2,2], %w: f32[2,2]) -> (%loss) {
forward:
  %a = matmul %x, %v {transpose_a=false, transpose_b=false} : f32[2,2]
  %b = matmul %a, %w {transpose_a=false, transpose_b=false} : f32[2,2]
  %loss = reduce_sum %b {axes=[0,1], keep_dims=false} : f32[]
}
`;
    expect(backward(graph, ['loss'], ['v', 'w']).match(/matmul/g)).toHaveLength(3);
    expect(backward(graph, ['loss'], ['w']).match(/matmul/g)).toHaveLength(1);
  });

  it('says what is wrong with a loss or a name', () => {
    const graph = `graph @g(%x: f32[2]) -> (%a) {
forward:
  %a = tanh %x : f32[2]
}
`;
    expect(() => backward(graph, ['a'], ['x'])).toThrow('the loss "a" is f32[2]; a loss is one f32 number');
    expect(() => backward(graph, ['aa'], ['x'])).toThrow('did you mean "a"?');
    expect(() => backward(graph, ['aa'], ['x'])).toThrow(SublinearError);
  });
});
