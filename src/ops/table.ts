/** The op table: every op, once. Families export their ops; nothing else registers them. */
import { nearestName, SublinearError } from '../ir/diagnostic.ts';
import type { Op } from '../ir/op.ts';
import { activationOps } from './activation.ts';
import { argmax, argmin } from './arg-reduce.ts';
import { binaryOps } from './binary.ts';
import { broadcastTo } from './broadcast-to.ts';
import { cast } from './cast.ts';
import { comparisonOps } from './comparison.ts';
import { concat } from './concat.ts';
import { cumsum } from './cumsum.ts';
import { dot, multiplySumToOp } from './dot.ts';
import { logicalOps } from './logical.ts';
import { nnOps } from './nn-ops.ts';
import { optimizerOps } from './optimizers.ts';
import { padOps } from './pad.ts';
import { powerOps } from './power.ts';
import { quantizeOps } from './quantize.ts';
import { reduceOps } from './reduce.ts';
import { reshape } from './reshape.ts';
import { scalarOps } from './scalar.ts';
import { sliceOps } from './slice.ts';
import { split, splitView } from './split.ts';
import { sumToOp } from './sum-to.ts';
import { tile } from './tile.ts';
import { transpose } from './transpose.ts';
import { trilu } from './trilu.ts';
import { unaryOps } from './unary.ts';
import { where } from './where.ts';

const all: readonly Op[] = [
  ...binaryOps,
  ...powerOps,
  ...scalarOps,
  ...quantizeOps,
  ...unaryOps,
  ...activationOps,
  ...comparisonOps,
  ...logicalOps,
  where,
  cast,
  broadcastTo,
  sumToOp,
  reshape,
  transpose,
  concat,
  split,
  splitView,
  ...sliceOps,
  ...padOps,
  tile,
  ...reduceOps,
  argmax,
  argmin,
  cumsum,
  trilu,
  dot,
  multiplySumToOp,
  ...nnOps,
  ...optimizerOps,
];

/** Every op by name, in the order of their families. */
export const ops: ReadonlyMap<string, Op> = new Map(all.map((op) => [op.name, op]));

/** The op called `name`. Throws `SublinearError` that names the nearest one. */
export function opNamed(name: string): Op {
  const op = ops.get(name);
  if (op !== undefined) return op;
  const nearest = nearestName(name, ops.keys());
  throw new SublinearError({
    code: 'unknown-op',
    message: `unknown op ${JSON.stringify(name)}`,
    hint: nearest === undefined ? '`sublinear ops` lists the ops' : `did you mean ${JSON.stringify(nearest)}?`,
  });
}
