/** The neural-network ops, for the op table. */
import type { Op } from '../ir/op.ts';
import { batchNorm, batchNormGrad, batchNormInference, batchNormInferenceGrad, batchNormUpdate } from './batch-norm.ts';
import { conv, convGradInput, convGradWeight } from './conv.ts';
import { convTranspose } from './conv-transpose.ts';
import {
  crossEntropyGradWeights,
  nllLoss,
  nllLossGrad,
  softmaxCrossEntropy,
  softmaxCrossEntropyGrad,
} from './cross-entropy.ts';
import { dropout, dropoutMask } from './dropout.ts';
import { gather, gatherElements, gatherElementsGrad, gatherGrad, gatherNd, gatherNdGrad } from './gather.ts';
import { gridSampleOps } from './grid-sample.ts';
import { groupNorm, groupNormGrad } from './group-norm.ts';
import { layerNorm, layerNormGrad } from './layer-norm.ts';
import { lrn, lrnGrad } from './lrn.ts';
import { matmul } from './matmul.ts';
import { oneHot, oneHotGrad } from './one-hot.ts';
import { averagePool, averagePoolGrad, lpPool, lpPoolGrad, maxPool, maxPoolGrad, maxPoolWithIndices } from './pool.ts';
import { randomOps } from './random.ts';
import { resizeOps } from './resize.ts';
import { rmsNorm, rmsNormGrad } from './rms-norm.ts';
import { scatterOps } from './scatter.ts';
import { logSoftmax, logSoftmaxGrad, maskedSoftmax, softmax, softmaxGrad } from './softmax.ts';
import { topK } from './top-k.ts';

export const nnOps: readonly Op[] = [
  matmul,
  conv,
  convGradInput,
  convGradWeight,
  convTranspose,
  maxPool,
  maxPoolGrad,
  maxPoolWithIndices,
  averagePool,
  averagePoolGrad,
  lpPool,
  lpPoolGrad,
  batchNorm,
  batchNormGrad,
  batchNormInference,
  batchNormInferenceGrad,
  batchNormUpdate,
  layerNorm,
  layerNormGrad,
  rmsNorm,
  rmsNormGrad,
  groupNorm,
  groupNormGrad,
  lrn,
  lrnGrad,
  softmax,
  maskedSoftmax,
  softmaxGrad,
  logSoftmax,
  logSoftmaxGrad,
  softmaxCrossEntropy,
  softmaxCrossEntropyGrad,
  nllLoss,
  nllLossGrad,
  crossEntropyGradWeights,
  gather,
  gatherGrad,
  gatherElements,
  gatherElementsGrad,
  gatherNd,
  gatherNdGrad,
  ...scatterOps,
  oneHot,
  oneHotGrad,
  topK,
  ...resizeOps,
  ...gridSampleOps,
  dropout,
  dropoutMask,
  ...randomOps,
];
