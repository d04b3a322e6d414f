/** One measurement of `resnet.ts` in a process of its own: blocks, batch, strategy, budget. */
import { printProcessBytes } from './resnet.ts';

const [blocks, batch, strategy, budget] = process.argv.slice(2);
await printProcessBytes(Number(blocks), Number(batch), strategy!, Number(budget));
