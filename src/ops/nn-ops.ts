/** The neural-network ops, for the op table. */
import type { Op } from '../ir/op.ts';
import { batchNorm, batchNormGrad, batchNormInference, batchNormInferenceGrad, batchNormUpdate } from './batch-norm.ts';
import { conv, convGradInput, convGradWeight } from './conv.ts';
import {
  crossEntropyGradWeights,
  nllLoss,
  nllLossGrad,
  softmaxCrossEntropy,
  softmaxCrossEntropyGrad,
} from './cross-entropy.ts';
import { gather, gatherElements, gatherElementsGrad, gatherGrad, gatherNd, gatherNdGrad } from './gather.ts';
import { groupNorm, groupNormGrad } from './group-norm.ts';
import { layerNorm, layerNormGrad } from './layer-norm.ts';
import { matmul } from './matmul.ts';
import { averagePool, averagePoolGrad, lpPool, lpPoolGrad, maxPool, maxPoolGrad, maxPoolWithIndices } from './pool.ts';
import { rmsNorm, rmsNormGrad } from './rms-norm.ts';
import { logSoftmax, logSoftmaxGrad, softmax, softmaxGrad } from './softmax.ts';

export const nnOps: readonly Op[] = [
  matmul,
  conv,
  convGradInput,
  convGradWeight,
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
  softmax,
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
];
