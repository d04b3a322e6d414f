/** The op table: every op, once. Families export their ops; nothing else registers them. */
import { nearestName, SublinearError } from '../ir/diagnostic.ts';
import type { Op } from '../ir/op.ts';
import { add, multiply } from './binary.ts';
import { broadcastTo } from './broadcast-to.ts';
import { sumToOp } from './sum-to.ts';

const all: readonly Op[] = [add, multiply, broadcastTo, sumToOp];

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
