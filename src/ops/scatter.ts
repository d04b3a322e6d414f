/**
 * Writing by index: scatter_elements and scatter_nd, with their reductions. Both are the same kernels over different
 * walks of index tuples, so one function makes the ops of either.
 */
import { typeCode } from '../../runtime/kernels/elements.ts';
import {
  scatterTuplesGrad as scatterTuplesGradKernel,
  scatterTuples as scatterTuplesKernel,
  scatterTuplesReplacedGrad as scatterTuplesReplacedGradKernel,
} from '../../runtime/kernels/scatter.ts';
import { call } from '../../runtime/program.ts';
import { type Attributes, elementCount, formatType, sameShape, type TensorType, type Value } from '../ir/graph.ts';
import { type AttributeSpec, type NoAttributes, type Op, type OpExample, ShapeError } from '../ir/op.ts';
import {
  checkElements,
  checkIndices,
  checkTuples,
  elementsWalk,
  gatherElements,
  gatherNd,
  leastExtent,
  type TupleWalk,
  tuplesWalk,
  walkArguments,
} from './gather.ts';
import { wanted } from './statistics.ts';
import { f32, i32, i64 } from './types.ts';

type Reduction = { reduction: string };

const reductionSpec: AttributeSpec = { kind: 'string', doc: "'none' (replace), 'add', 'mul', 'min' or 'max'" };
const reductions = ['none', 'add', 'mul', 'min', 'max'];

/** What tells scatter_elements from scatter_nd. `Own` are the attributes beside the reduction, `All` those with it. */
interface Family<Own extends Attributes, Read extends Attributes, All extends Own & Reduction> {
  readonly name: string;
  readonly doc: string;
  readonly ownSpecs: Op<Own>['attributes'];
  readonly allSpecs: Op<All>['attributes'];
  own(attributes: Own): Own;
  all(own: Own, reduction: string): All;
  /** Checks tensor and indices; returns the shape of the updates. */
  updates(x: TensorType, indices: TensorType, own: Own): readonly number[];
  walk(x: readonly number[], indices: readonly number[], own: Own): TupleWalk;
  /** The gather that reads what the scatter writes. */
  readonly gather: Op<Read>;
  readAttributes(own: Own): Read;
  /** Operands are tensor, indices, updates. */
  readonly examples: readonly OpExample<Own>[];
}

interface ScatterOps<Own, All> {
  readonly scatter: Op<All>;
  readonly replacedGrad: Op<Own>;
  readonly grad: Op<All>;
}

function reductionCode(reduction: string): number {
  const code = reductions.indexOf(reduction);
  if (code >= 0) return code;
  throw new ShapeError(`unknown reduction ${JSON.stringify(reduction)}`, `one of ${reductions.join(', ')}`);
}

function scatterFamily<Own extends Attributes, Read extends Attributes, All extends Own & Reduction>(
  family: Family<Own, Read, All>,
): ScatterOps<Own, All> {
  const walkOf = (x: Value, indices: Value, own: Own) =>
    walkArguments(family.walk(x.type.shape, indices.type.shape, own));
  const bound = (x: Value, indices: Value, own: Own) => leastExtent(family.walk(x.type.shape, indices.type.shape, own));
  const check = ([x, given, updates]: readonly (TensorType | undefined)[], own: Own): TensorType => {
    if (x === undefined || updates === undefined) throw new ShapeError('takes a tensor, indices and updates');
    const shape = family.updates(x, checkIndices(given), own);
    if (updates.dtype !== x.dtype || !sameShape(updates.shape, shape))
      throw new ShapeError(`updates must be ${formatType({ dtype: x.dtype, shape })}, not ${formatType(updates)}`);
    return x;
  };

  const replacedGrad: Op<Own> = {
    name: `${family.name}_replaced_grad`,
    doc: `Gradients of ${family.name} without reduction, in tensor and updates.`,
    attributes: family.ownSpecs,
    effect: 'pure',
    inPlace: [[0]],
    infer: ([dy, given], own) => {
      if (dy === undefined || dy.dtype !== 'f32') throw new ShapeError('takes a float gradient and indices');
      return [dy, f32(...family.updates(dy, checkIndices(given), own))];
    },
    flops: () => 0,
    indexBound: ({ operands: [dy, indices], attributes }, operand) =>
      operand === 1 ? bound(dy!, indices!, attributes) : undefined,
    lower: ({ operands: [dy, indices], attributes }, at) => [
      call(
        scatterTuplesReplacedGradKernel,
        at.operand(0),
        typeCode(indices!.type.dtype),
        at.operand(1),
        at.result(0),
        at.result(1),
        elementCount(dy!.type.shape),
        ...walkOf(dy!, indices!, attributes),
      ),
    ],
    examples: family.examples
      .filter((example) => example.operands[0]!.dtype === 'f32')
      .map((example) => ({ ...example, operands: example.operands.slice(0, 2) })),
  };

  const grad: Op<All> = {
    name: `${family.name}_grad`,
    doc: `Gradients of ${family.name} with reduction mul, min or max, in tensor and updates.`,
    attributes: family.allSpecs,
    effect: 'pure',
    infer: ([dy, x, given, updates, y], attributes) => {
      check([x, given, updates], attributes);
      if (!sameShape(dy?.shape ?? [], x!.shape) || !sameShape(y?.shape ?? [], x!.shape))
        throw new ShapeError(`gradient and result must be ${formatType(x!)}`);
      return [x!, updates!];
    },
    flops: ({ operands }) => 4 * (elementCount(operands[1]!.type.shape) + elementCount(operands[3]!.type.shape)),
    indexBound: ({ operands: [, x, indices], attributes }, operand) =>
      operand === 2 ? bound(x!, indices!, attributes) : undefined,
    scratch: ({ operands }) => 8 * elementCount(operands[0]!.type.shape),
    lower: ({ operands: [dy, x, indices], attributes }, at) => [
      call(
        scatterTuplesGradKernel,
        at.operand(0),
        at.operand(1),
        typeCode(indices!.type.dtype),
        at.operand(2),
        at.operand(3),
        at.operand(4),
        at.result(0),
        at.result(1),
        at.scratch,
        elementCount(dy!.type.shape),
        reductionCode(attributes.reduction),
        ...walkOf(x!, indices!, attributes),
      ),
    ],
    examples: replacedGrad.examples.map(({ operands: [x, indices], attributes, ranges }) => ({
      operands: [x!, x!, indices!, f32(...family.updates(x!, indices!, attributes)), x!],
      attributes: family.all(attributes, 'mul'),
      ranges: { 2: ranges![1]! },
    })),
  };

  const scatter: Op<All> = {
    name: family.name,
    doc: family.doc,
    attributes: family.allSpecs,
    effect: 'pure',
    inPlace: [[0]],
    infer: (operands, attributes) => {
      reductionCode(attributes.reduction);
      return [check(operands, attributes)];
    },
    flops: ({ operands }) => elementCount(operands[2]!.type.shape),
    indexBound: ({ operands: [x, indices], attributes }, operand) =>
      operand === 1 ? bound(x!, indices!, attributes) : undefined,
    passesOn: (operand) => operand !== 1,
    gradientReads: { operands: [0, 1, 2], results: [0] },
    gradient: (g) => {
      const dy = g.cotangents[0]!;
      const [x, indices, updates] = g.operands;
      const own = family.own(g.attributes);
      switch (g.attributes.reduction) {
        case 'none': {
          const [dx, dUpdates] = g.emitAll(replacedGrad, [dy, indices!], own);
          return wanted(g, [dx, undefined, dUpdates]);
        }
        case 'add': {
          const read = () => g.emit(family.gather, [dy, indices!], family.readAttributes(own));
          return [g.wants(0) ? dy : undefined, undefined, g.wants(2) ? read() : undefined];
        }
        default: {
          const all = family.all(own, g.attributes.reduction);
          const [dx, dUpdates] = g.emitAll(grad, [dy, x!, indices!, updates!, g.results[0]!], all);
          return wanted(g, [dx, undefined, dUpdates]);
        }
      }
    },
    lower: ({ operands: [x, indices], attributes }, at) => [
      call(
        scatterTuplesKernel,
        typeCode(x!.type.dtype),
        at.operand(0),
        typeCode(indices!.type.dtype),
        at.operand(1),
        at.operand(2),
        at.result(0),
        elementCount(x!.type.shape),
        reductionCode(attributes.reduction),
        ...walkOf(x!, indices!, attributes),
      ),
    ],
    examples: family.examples.flatMap((example) =>
      reductions.map((reduction) => ({ ...example, attributes: family.all(example.attributes, reduction) })),
    ),
  };
  return { scatter, replacedGrad, grad };
}

type Axis = { axis: number };
const axisSpec: AttributeSpec = { kind: 'int', doc: 'dimension the indices count in' };

const byElement: ScatterOps<Axis, Axis & Reduction> = scatterFamily<Axis, Axis, Axis & Reduction>({
  name: 'scatter_elements',
  doc: 'Writes updates at indices along one dimension, the other coordinates being those of the index.',
  ownSpecs: { axis: axisSpec },
  allSpecs: { axis: axisSpec, reduction: reductionSpec },
  own: ({ axis }) => ({ axis }),
  all: ({ axis }, reduction) => ({ axis, reduction }),
  updates: (x, indices, { axis }) => {
    checkElements(x, indices, axis);
    return indices.shape;
  },
  walk: (x, indices, { axis }) => elementsWalk(x, indices, axis),
  gather: gatherElements,
  readAttributes: ({ axis }) => ({ axis }),
  examples: [
    { operands: [f32(3, 4), i64(2, 4), f32(2, 4)], attributes: { axis: 0 }, ranges: { 1: [-3, 2] } },
    { operands: [f32(2, 3, 2), i32(2, 2, 1), f32(2, 2, 1)], attributes: { axis: 1 }, ranges: { 1: [0, 2] } },
    { operands: [f32(2, 3), i64(2, 3), f32(2, 3)], attributes: { axis: 1 }, ranges: { 1: [0, 2] } },
    {
      operands: [i64(4), i64(3), i64(3)],
      attributes: { axis: 0 },
      ranges: { 0: [-5, 5], 1: [0, 3], 2: [-5, 5] },
    },
  ],
});

const byTuple: ScatterOps<NoAttributes, Reduction> = scatterFamily<NoAttributes, { batch_dims: number }, Reduction>({
  name: 'scatter_nd',
  doc: 'Writes slices at index tuples, the last dimension of the indices.',
  ownSpecs: {},
  allSpecs: { reduction: reductionSpec },
  own: () => ({}),
  all: (_, reduction) => ({ reduction }),
  updates: (x, indices) => {
    checkTuples(x, indices, 0);
    return [...indices.shape.slice(0, -1), ...x.shape.slice(indices.shape.at(-1)!)];
  },
  walk: (x, indices) => tuplesWalk(x, indices, 0),
  gather: gatherNd,
  readAttributes: () => ({ batch_dims: 0 }),
  examples: [
    { operands: [f32(3, 3, 2), i64(2, 2), f32(2, 2)], attributes: {}, ranges: { 1: [-3, 2] } },
    { operands: [f32(4, 3), i32(2, 1), f32(2, 3)], attributes: {}, ranges: { 1: [0, 3] } },
    { operands: [f32(5), i64(2, 3, 1), f32(2, 3)], attributes: {}, ranges: { 1: [0, 4] } },
  ],
});

export const scatterElements: Op<Axis & Reduction> = byElement.scatter;
export const scatterNd: Op<Reduction> = byTuple.scatter;

export const scatterOps: readonly Op[] = [
  byElement.scatter,
  byElement.replacedGrad,
  byElement.grad,
  byTuple.scatter,
  byTuple.replacedGrad,
  byTuple.grad,
];
