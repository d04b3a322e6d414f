import { ModelBuilder, checkpoint } from './src/index.ts';
const m = new ModelBuilder('deep'); let h = m.input('x', [2, 4]);
for (let i = 0; i < 7000; i++) h = m.tanh(m.linear(h, 4, { name: `l${i}` }));
m.loss(m.mean(m.square(h)));
const model = m.finish();
const run = (o: object) => { const t = performance.now(); const s = checkpoint(model, { optimizer: { kind: 'adam' }, ...o }); const c = performance.now(); s.run({ x: new Float32Array(8).fill(1), learningRate: 0.1 }); console.log(JSON.stringify(o), s.compiled.graph.nodes.length, (c - t | 0), (performance.now() - c | 0)); };
run({}); run({ clipNorm: 1, accumulate: 2 });
