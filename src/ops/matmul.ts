/** matmul: the batched matrix product, any operand transposed by a flag instead of a copy. */
import { matmul as matmulKernel, matmulScratch } from '../../runtime/kernels/matmul.ts';
import { call } from '../../runtime/program.ts';
import { elementCount, formatType, sameShape, type TensorType, type Value } from '../ir/graph.ts';
import { type Application, type Emitter, type Op, ShapeError } from '../ir/op.ts';
import { broadcastShape, broadcastStrides, collapseDims } from './broadcasting.ts';
import { reshape } from './reshape.ts';
import { sumTo } from './sum-to.ts';

export type MatmulAttributes = { transpose_a: boolean; transpose_b: boolean };

const f32 = (...shape: number[]): TensorType => ({ dtype: 'f32', shape });

interface Matrix {
  readonly batch: readonly number[];
  readonly rows: number;
  readonly columns: number;
}

/** A matrix operand after its transposition. */
function matrix(type: TensorType, transposed: boolean): Matrix {
  const rank = type.shape.length;
  const rows = type.shape[rank - 2]!;
  const columns = type.shape[rank - 1]!;
  return {
    batch: type.shape.slice(0, rank - 2),
    rows: transposed ? columns : rows,
    columns: transposed ? rows : columns,
  };
}

/** Extents of the product and, where the right factor is shared by a batch, that batch folded into the rows. */
function problem({ operands, results, attributes }: Application<MatmulAttributes>) {
  const [a, b, bias] = operands;
  const left = matrix(a!.type, attributes.transpose_a);
  const right = matrix(b!.type, attributes.transpose_b);
  const shape = results[0]!.type.shape;
  const batch = shape.slice(0, -2);
  const batchStrides = (own: readonly number[], size: number) => broadcastStrides(own, batch).map((s) => s * size);
  const biasStrides = bias === undefined ? shape.map(() => 0) : broadcastStrides(bias.type.shape, shape);
  const collapsed = collapseDims(batch, [
    batchStrides(left.batch, left.rows * left.columns),
    batchStrides(right.batch, right.rows * right.columns),
    biasStrides.slice(0, -2),
  ]);
  const batchDims = [...collapsed.dims];
  const [aBatch, bBatch, biasBatch] = collapsed.strides.map((strides) => [...strides]);
  const aRow = attributes.transpose_a ? 1 : left.columns;
  const biasRow = biasStrides.at(-2)!;
  let rows = left.rows;
  for (let last = batchDims.length - 1; last >= 0; last--) {
    const foldable = bBatch![last] === 0 && aBatch![last] === aRow * rows && biasBatch![last] === biasRow * rows;
    if (!foldable && batchDims[last] !== 1) break;
    rows *= batchDims.pop()!;
    aBatch!.pop();
    bBatch!.pop();
    biasBatch!.pop();
  }
  return {
    rows,
    columns: right.columns,
    inner: left.columns,
    aRow,
    aColumn: attributes.transpose_a ? left.rows : 1,
    bRow: attributes.transpose_b ? 1 : right.columns,
    bColumn: attributes.transpose_b ? right.rows : 1,
    biasRow,
    biasColumn: biasStrides.at(-1)!,
    batchDims,
    aBatch: aBatch!,
    bBatch: bBatch!,
    biasBatch: biasBatch!,
  };
}

export const matmul: Op<MatmulAttributes> = {
  name: 'matmul',
  doc: 'Matrix product over the last two dimensions, leading ones broadcast; an optional third operand is added.',
  attributes: {
    transpose_a: { kind: 'bool', doc: 'the left factor is stored with its last two dimensions swapped' },
    transpose_b: { kind: 'bool', doc: 'the right factor is stored with its last two dimensions swapped' },
  },
  effect: 'pure',
  expensive: true,
  infer: (operands, { transpose_a, transpose_b }) => {
    const [a, b, bias] = operands;
    if (a === undefined || b === undefined || operands.length > 3) throw new ShapeError('takes two or three operands');
    for (const operand of operands)
      if (operand.dtype !== 'f32') throw new ShapeError(`operands must be f32, not ${formatType(operand)}`);
    if (a.shape.length < 2 || b.shape.length < 2)
      throw new ShapeError(`factors must be matrices: ${formatType(a)} and ${formatType(b)}`);
    const left = matrix(a, transpose_a);
    const right = matrix(b, transpose_b);
    if (left.columns !== right.rows)
      throw new ShapeError(
        `${formatType(a)}${transpose_a ? ' transposed' : ''} and ${formatType(b)}${transpose_b ? ' transposed' : ''} ` +
          `do not multiply: inner extents are ${left.columns} and ${right.rows}`,
      );
    const batch = broadcastShape([f32(...left.batch), f32(...right.batch)]);
    const shape = [...batch, left.rows, right.columns];
    if (bias !== undefined && !sameShape(broadcastShape([bias, f32(...shape)]), shape))
      throw new ShapeError(`bias ${formatType(bias)} does not broadcast to [${shape.join(',')}]`);
    return [f32(...shape)];
  },
  flops: ({ operands, results, attributes }) =>
    elementCount(results[0]!.type.shape) *
    (2 * matrix(operands[0]!.type, attributes.transpose_a).columns + (operands.length > 2 ? 1 : 0)),
  scratch: (application) => {
    const { rows, columns, inner } = problem(application);
    return matmulScratch(rows, columns, inner);
  },
  gradientReads: { operands: [0, 1] },
  gradient: (g) => {
    const dy = g.cotangents[0]!;
    const [a, b, bias] = g.operands;
    const { transpose_a: ta, transpose_b: tb } = g.attributes;
    const times = (x: Value, y: Value, transposeX: boolean, transposeY: boolean) =>
      g.emit(matmul, [x, y], { transpose_a: transposeX, transpose_b: transposeY });
    const da = () => sumTo(g, ta ? times(b!, dy, tb, true) : times(dy, b!, false, !tb), a!.type.shape);
    const db = () => {
      if (!ta && elementCount(b!.type.shape.slice(0, -2)) === 1 && a!.type.shape.length > 2) {
        // One product over batch and rows: no gradient of each batch element is ever stored.
        const flatA = foldRows(g, a!);
        const flatDy = foldRows(g, dy);
        return reshapeTo(g, tb ? times(flatDy, flatA, true, false) : times(flatA, flatDy, true, false), b!.type.shape);
      }
      return sumTo(g, tb ? times(dy, a!, true, ta) : times(a!, dy, !ta, false), b!.type.shape);
    };
    return [
      g.wants(0) ? da() : undefined,
      g.wants(1) ? db() : undefined,
      bias !== undefined && g.wants(2) ? sumTo(g, dy, bias.type.shape) : undefined,
    ];
  },
  lower: (application, at) => {
    const p = problem(application);
    return [
      call(
        matmulKernel,
        at.operand(0),
        at.operand(1),
        application.operands.length > 2 ? at.operand(2) : -1,
        at.result(0),
        at.scratch,
        p.rows,
        p.columns,
        p.inner,
        p.aRow,
        p.aColumn,
        p.bRow,
        p.bColumn,
        p.biasRow,
        p.biasColumn,
        p.batchDims,
        p.aBatch,
        p.bBatch,
        p.biasBatch,
      ),
    ];
  },
  examples: [
    { operands: [f32(3, 5), f32(5, 4)], attributes: { transpose_a: false, transpose_b: false } },
    { operands: [f32(5, 3), f32(4, 5), f32(4)], attributes: { transpose_a: true, transpose_b: true } },
    { operands: [f32(2, 3, 5), f32(5, 4), f32(4)], attributes: { transpose_a: false, transpose_b: false } },
    { operands: [f32(2, 3, 5), f32(4, 5)], attributes: { transpose_a: false, transpose_b: true } },
    { operands: [f32(2, 1, 3, 5), f32(3, 5, 4), f32(3, 1)], attributes: { transpose_a: false, transpose_b: false } },
    { operands: [f32(2, 5, 3), f32(1, 5, 4)], attributes: { transpose_a: true, transpose_b: false } },
  ],
};

/** `value` seen as a matrix of all its leading dimensions by its last. */
function foldRows(emitter: Emitter, value: Value): Value {
  const { shape } = value.type;
  return reshapeTo(emitter, value, [elementCount(shape.slice(0, -1)), shape.at(-1)!]);
}

function reshapeTo(emitter: Emitter, value: Value, shape: readonly number[]): Value {
  return sameShape(value.type.shape, shape) ? value : emitter.emit(reshape, [value], { shape });
}
