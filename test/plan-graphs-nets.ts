/**
 * Plan graphs that look like real training steps: convolutional networks and a transformer with their backward passes
 * and SGD updates, sizes and costs from shapes. For tests and benchmarks of planners that need no front end.
 */
import type { PlanGraph, PlanNode, PlanResult, PlanValue } from '../src/analysis/plan-graph.ts';

export type NetCosts = 'roofline' | 'unit';

interface Tensor {
  readonly name: string;
  readonly elements: number;
}

interface FeatureMap extends Tensor {
  readonly channels: number;
  readonly size: number;
}

type Gradient = (dy: Tensor) => readonly (readonly [Tensor, Tensor])[];

/** A tape: forward calls record how to make their gradients; `finish` runs it backwards and adds gradients up. */
function createTape(costs: NetCosts) {
  const inputs: PlanValue[] = [];
  const forward: PlanNode[] = [];
  const backward: PlanNode[] = [];
  const updates: PlanNode[] = [];
  const tape: { readonly y: Tensor; readonly gradient: Gradient }[] = [];
  let region: 'forward' | 'backward' | 'update' = 'forward';
  let counter = 0;

  const node = (
    op: string,
    reads: readonly Tensor[],
    results: readonly { readonly elements: number; readonly over?: readonly string[]; readonly view?: string }[],
    work: { readonly flops?: number; readonly expensive?: boolean; readonly scratch?: number } = {},
  ): Tensor[] => {
    const name = `${op}${counter++}`;
    const made = results.map((result, i) => ({ name: i === 0 ? name : `${name}.${i}`, elements: result.elements }));
    const view = results.some((result) => result.view !== undefined);
    const moved = 4 * [...reads, ...made].reduce((sum, tensor) => sum + tensor.elements, 0);
    const roofline = Math.ceil(Math.max((work.flops ?? 0) / 40, moved / 10));
    const target = region === 'forward' ? forward : region === 'backward' ? backward : updates;
    target.push({
      name,
      inputs: reads.map((tensor) => tensor.name),
      outputs: results.map((result, i): PlanResult => {
        const base = { name: made[i]!.name, bytes: 4 * result.elements };
        if (result.view !== undefined) return { ...base, view: result.view };
        return result.over === undefined ? base : { ...base, over: result.over };
      }),
      cost: view ? 0 : costs === 'roofline' ? roofline : work.expensive === true ? 10 : 1,
      region,
      recomputable: true,
      scratch: work.scratch ?? 0,
      expensive: work.expensive === true,
    });
    return made;
  };
  const one = (...args: Parameters<typeof node>): Tensor => node(...args)[0]!;
  const parameter = (elements: number): Tensor => {
    const name = `w${inputs.length}`;
    inputs.push({ name, bytes: 4 * elements });
    return { name, elements };
  };
  const data = (elements: number): Tensor => parameter(elements);
  const weightGradients = new Map<string, Tensor>();
  const record = <T extends Tensor>(y: T, gradient: Gradient): T => {
    tape.push({ y, gradient });
    return y;
  };
  const finish = (loss: Tensor): PlanGraph => {
    region = 'backward';
    const gradients = new Map<string, Tensor>();
    for (let k = tape.length - 1; k >= 0; k--) {
      const { y, gradient } = tape[k]!;
      const dy = gradients.get(y.name);
      if (dy === undefined && y.name !== loss.name) continue;
      for (const [x, dx] of gradient(dy ?? loss)) {
        const known = gradients.get(x.name);
        gradients.set(
          x.name,
          known === undefined ? dx : one('add', [known, dx], [{ elements: x.elements, over: [known.name, dx.name] }]),
        );
      }
    }
    const resident = new Set(inputs.map((input) => input.name));
    region = 'update';
    for (const [name, gradient] of gradients)
      if (resident.has(name)) {
        weightGradients.set(name, gradient);
        one('sgd', [{ name, elements: gradient.elements }, gradient], [{ elements: gradient.elements, over: [name] }]);
      }
    return { inputs, nodes: [...forward, ...backward, ...updates], outputs: [loss.name] };
  };

  const binaryAdd = (a: Tensor, b: Tensor): Tensor =>
    record(one('add', [a, b], [{ elements: a.elements, over: [a.name, b.name] }]), (dy) => [
      [a, dy],
      [b, dy],
    ]);
  const linear = (x: Tensor, rows: number, from: number, to: number, bias = true): Tensor => {
    const w = parameter(from * to);
    const b = bias ? parameter(to) : undefined;
    const flops = 2 * rows * from * to;
    const h = record(one('matmul', [x, w], [{ elements: rows * to }], { flops, expensive: true }), (dy) => [
      [x, one('matmul_dx', [dy, w], [{ elements: x.elements }], { flops, expensive: true })],
      [w, one('matmul_dw', [x, dy], [{ elements: w.elements }], { flops, expensive: true })],
    ]);
    if (b === undefined) return h;
    return record(one('bias', [h, b], [{ elements: h.elements, over: [h.name] }]), (dy) => [
      [b, one('sum', [dy], [{ elements: to }])],
      [h, dy],
    ]);
  };
  const reshape = (x: Tensor): Tensor =>
    record(one('reshape', [x], [{ elements: x.elements, view: x.name }]), (dy) => [
      [x, one('reshape', [dy], [{ elements: x.elements, view: dy.name }])],
    ]);
  const unary = (op: string, x: Tensor): Tensor => {
    const y = one(op, [x], [{ elements: x.elements, over: [x.name] }]);
    return record(y, (dy) => [[x, one(`${op}_dx`, [dy, y], [{ elements: x.elements, over: [dy.name] }])]]);
  };
  const gelu = (x: Tensor): Tensor => {
    const y = one('gelu', [x], [{ elements: x.elements, over: [x.name] }]);
    return record(y, (dy) => [[x, one('gelu_dx', [dy, x], [{ elements: x.elements, over: [dy.name] }])]]);
  };
  const normalize = (op: string, x: Tensor, channels: number, groups: number): Tensor => {
    const scale = parameter(channels);
    const shift = parameter(channels);
    const [y, mean, deviation] = node(
      op,
      [x, scale, shift],
      [{ elements: x.elements }, { elements: groups }, { elements: groups }],
      { flops: 8 * x.elements },
    );
    return record(y!, (dy) => {
      const [dx, dScale, dShift] = node(
        `${op}_dx`,
        [dy, x, mean!, deviation!, scale],
        [{ elements: x.elements, over: [dy.name] }, { elements: channels }, { elements: channels }],
        { flops: 12 * x.elements },
      );
      return [
        [x, dx!],
        [scale, dScale!],
        [shift, dShift!],
      ];
    });
  };
  const product = (a: Tensor, b: Tensor, elements: number, flops: number): Tensor =>
    record(one('matmul', [a, b], [{ elements }], { flops, expensive: true }), (dy) => [
      [a, one('matmul_da', [dy, b], [{ elements: a.elements }], { flops, expensive: true })],
      [b, one('matmul_db', [a, dy], [{ elements: b.elements }], { flops, expensive: true })],
    ]);
  const crossEntropy = (logits: Tensor): Tensor => {
    const p = one('softmax', [logits], [{ elements: logits.elements, over: [logits.name] }]);
    return record(one('loss', [p], [{ elements: 1 }]), () => [
      [logits, one('softmax_loss_dx', [p], [{ elements: logits.elements, over: [p.name] }])],
    ]);
  };
  return {
    node,
    one,
    parameter,
    data,
    record,
    finish,
    add: binaryAdd,
    linear,
    reshape,
    unary,
    gelu,
    normalize,
    product,
    crossEntropy,
  };
}

function createImageTape(costs: NetCosts, batch: number) {
  const tape = createTape(costs);
  const map = (tensor: Tensor, channels: number, size: number): FeatureMap => ({ ...tensor, channels, size });
  const image = (channels: number, size: number): FeatureMap =>
    map(tape.data(batch * channels * size * size), channels, size);
  const conv = (x: FeatureMap, channels: number, kernel: number, stride = 1, groups = 1): FeatureMap => {
    const size = Math.ceil(x.size / stride);
    const elements = batch * channels * size * size;
    const w = tape.parameter((channels * x.channels * kernel * kernel) / groups);
    const flops = (2 * elements * x.channels * kernel * kernel) / groups;
    const y = tape.one('conv', [x, w], [{ elements }], { flops, expensive: true });
    tape.record(y, (dy) => [
      ...(x.name === 'w0'
        ? []
        : [[x, tape.one('conv_dx', [dy, w], [{ elements: x.elements }], { flops, expensive: true })] as const]),
      [w, tape.one('conv_dw', [x, dy], [{ elements: w.elements }], { flops, expensive: true })],
    ]);
    return map(y, channels, size);
  };
  const norm = (x: FeatureMap): FeatureMap =>
    map(tape.normalize('batch_norm', x, x.channels, x.channels), x.channels, x.size);
  const relu = (x: FeatureMap): FeatureMap => map(tape.unary('relu', x), x.channels, x.size);
  const add = (a: FeatureMap, b: FeatureMap): FeatureMap => map(tape.add(a, b), a.channels, a.size);
  const pool = (x: FeatureMap, stride: number): FeatureMap => {
    const size = Math.ceil(x.size / stride);
    const elements = batch * x.channels * size * size;
    const [y, at] = tape.node('max_pool', [x], [{ elements }, { elements }]);
    tape.record(y!, (dy) => [[x, tape.one('max_pool_dx', [dy, at!], [{ elements: x.elements }])]]);
    return map(y!, x.channels, size);
  };
  const average = (x: FeatureMap, stride: number): FeatureMap => {
    const size = Math.ceil(x.size / stride);
    const y = tape.one('avg_pool', [x], [{ elements: batch * x.channels * size * size }]);
    tape.record(y, (dy) => [[x, tape.one('avg_pool_dx', [dy], [{ elements: x.elements }])]]);
    return map(y, x.channels, size);
  };
  const upsample = (x: FeatureMap): FeatureMap => {
    const y = tape.one('upsample', [x], [{ elements: 4 * x.elements }]);
    tape.record(y, (dy) => [[x, tape.one('upsample_dx', [dy], [{ elements: x.elements }])]]);
    return map(y, x.channels, 2 * x.size);
  };
  const concat = (maps: readonly FeatureMap[]): FeatureMap => {
    const elements = maps.reduce((sum, m) => sum + m.elements, 0);
    const y = tape.one('concat', maps, [{ elements }]);
    tape.record(y, (dy) => maps.map((m) => [m, tape.one('slice', [dy], [{ elements: m.elements }])] as const));
    return map(
      y,
      maps.reduce((sum, m) => sum + m.channels, 0),
      maps[0]!.size,
    );
  };
  const classify = (x: FeatureMap, classes: number): PlanGraph => {
    const pooled = average(x, x.size);
    return tape.finish(tape.crossEntropy(tape.linear(tape.reshape(pooled), batch, x.channels, classes)));
  };
  return { tape, image, conv, norm, relu, add, pool, average, upsample, concat, classify };
}

/** ResNet with bottleneck blocks; `[3, 4, 6, 3]` is ResNet-50. */
export function resNet(costs: NetCosts, depths: readonly number[] = [3, 4, 6, 3], batch = 8, size = 224): PlanGraph {
  const { image, conv, norm, relu, add, pool, classify } = createImageTape(costs, batch);
  let x = pool(relu(norm(conv(image(3, size), 64, 7, 2))), 2);
  depths.forEach((depth, stage) => {
    const width = 64 << stage;
    for (let block = 0; block < depth; block++) {
      const stride = block === 0 && stage > 0 ? 2 : 1;
      let y = relu(norm(conv(x, width, 1)));
      y = relu(norm(conv(y, width, 3, stride)));
      y = norm(conv(y, 4 * width, 1));
      const shortcut = block === 0 ? norm(conv(x, 4 * width, 1, stride)) : x;
      x = relu(add(y, shortcut));
    }
  });
  return classify(x, 1000);
}

/** VGG: `[2, 2, 4, 4, 4]` is VGG-19. */
export function vgg(costs: NetCosts, depths: readonly number[] = [2, 2, 3, 3, 3], batch = 8, size = 224): PlanGraph {
  const { tape, image, conv, relu, pool } = createImageTape(costs, batch);
  let x = image(3, size);
  depths.forEach((depth, stage) => {
    for (let k = 0; k < depth; k++) x = relu(conv(x, Math.min(512, 64 << stage), 3));
    x = pool(x, 2);
  });
  let h = tape.reshape(x);
  h = tape.unary('relu', tape.linear(h, batch, h.elements / batch, 4096));
  h = tape.unary('relu', tape.linear(h, batch, 4096, 4096));
  return tape.finish(tape.crossEntropy(tape.linear(h, batch, 4096, 1000)));
}

/** DenseNet: `[6, 12, 24, 16]` is DenseNet-121. */
export function denseNet(
  costs: NetCosts,
  depths: readonly number[] = [6, 12, 24, 16],
  batch = 8,
  size = 224,
): PlanGraph {
  const { image, conv, norm, relu, pool, average, concat, classify } = createImageTape(costs, batch);
  const growth = 32;
  let x = pool(relu(norm(conv(image(3, size), 64, 7, 2))), 2);
  depths.forEach((depth, stage) => {
    for (let k = 0; k < depth; k++) {
      const y = conv(relu(norm(conv(relu(norm(x)), 4 * growth, 1))), growth, 3);
      x = concat([x, y]);
    }
    if (stage + 1 < depths.length) x = average(conv(relu(norm(x)), x.channels / 2, 1), 2);
  });
  return classify(relu(norm(x)), 1000);
}

/** U-Net with skip connections over the whole depth. */
export function uNet(costs: NetCosts, levels = 4, width = 64, batch = 4, size = 256): PlanGraph {
  const { tape, image, conv, norm, relu, pool, upsample, concat } = createImageTape(costs, batch);
  const double = (x: FeatureMap, channels: number): FeatureMap =>
    relu(norm(conv(relu(norm(conv(x, channels, 3))), channels, 3)));
  const skips: FeatureMap[] = [];
  let x = double(image(3, size), width);
  for (let level = 1; level <= levels; level++) {
    skips.push(x);
    x = double(pool(x, 2), width << level);
  }
  for (let level = levels - 1; level >= 0; level--)
    x = double(concat([skips[level]!, conv(upsample(x), width << level, 1)]), width << level);
  return tape.finish(tape.crossEntropy(conv(x, 2, 1)));
}

/** MobileNetV2: inverted residuals with depthwise convolutions. */
export function mobileNet(costs: NetCosts, batch = 8, size = 224): PlanGraph {
  const { image, conv, norm, relu, add, classify } = createImageTape(costs, batch);
  const relu6 = relu;
  let x = relu6(norm(conv(image(3, size), 32, 3, 2)));
  const settings = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ] as const;
  for (const [expand, channels, repeat, firstStride] of settings)
    for (let k = 0; k < repeat; k++) {
      const stride = k === 0 ? firstStride : 1;
      const hidden = expand * x.channels;
      const wide = expand === 1 ? x : relu6(norm(conv(x, hidden, 1)));
      const y = norm(conv(relu6(norm(conv(wide, hidden, 3, stride, hidden))), channels, 1));
      x = stride === 1 && channels === x.channels ? add(x, y) : y;
    }
  return classify(relu6(norm(conv(x, 1280, 1))), 1000);
}

/** A decoder-only transformer of GPT-2's shape. */
export function transformer(
  costs: NetCosts,
  layers = 12,
  width = 768,
  heads = 12,
  batch = 8,
  length = 512,
  words = 50257,
): PlanGraph {
  const tape = createTape(costs);
  const rows = batch * length;
  let x = tape.add(
    tape.linear(tape.data(rows), rows, 1, width, false),
    tape.linear(tape.data(rows), rows, 1, width, false),
  );
  for (let layer = 0; layer < layers; layer++) {
    const h = tape.normalize('layer_norm', x, width, rows);
    const q = tape.reshape(tape.linear(h, rows, width, width));
    const k = tape.reshape(tape.linear(h, rows, width, width));
    const v = tape.reshape(tape.linear(h, rows, width, width));
    const scores = tape.product(q, k, batch * heads * length * length, 2 * rows * length * width);
    const attention = tape.unary('softmax', scores);
    const mixed = tape.reshape(tape.product(attention, v, rows * width, 2 * rows * length * width));
    x = tape.add(x, tape.linear(mixed, rows, width, width));
    const up = tape.gelu(tape.linear(tape.normalize('layer_norm', x, width, rows), rows, width, 4 * width));
    x = tape.add(x, tape.linear(up, rows, 4 * width, width));
  }
  const logits = tape.linear(tape.normalize('layer_norm', x, width, rows), rows, width, words, false);
  return tape.finish(tape.crossEntropy(logits));
}
