/** What the module exports. */
export { matmul } from './matmul';
export { conv, convGradInput, convGradWeight } from './conv';
