/** What the module exports: kernels under the names of their plain twins, and the setters of the lists they walk. */
export { conv, convGradInput, convGradWeight } from './conv';
export { copyInto, copyStrided } from './copy';
export { crossEntropy, crossEntropyGrad } from './cross-entropy';
export { dropout } from './dropout';
export { gridSample, gridSampleGradGrid, gridSampleGradInput } from './grid-sample';
export { lrn, lrnGrad } from './lrn';
export { matmul } from './matmul';
export {
  addChannelBias,
  batchNorm,
  batchNormGrad,
  batchNormInference,
  batchNormInferenceGrad,
  groupNorm,
  groupNormGrad,
  layerNorm,
  layerNormGrad,
  rmsNorm,
  rmsNormGrad,
} from './norm';
export { maxPool } from './max-pool';
export { averagePool, averagePoolGrad, maxPoolGrad } from './pool';
export {
  reduceMax,
  reduceMin,
  reduceSum,
  setReducedDims,
  setReducedStridesA,
  setReducedStridesB,
  sumOfProducts,
} from './reduce';
export { resizeAxis, resizeAxisGrad } from './resize';
export { addRows } from './rows';
export { logSoftmax, logSoftmaxGrad, maskedSoftmax, softmax, softmaxGrad } from './softmax';
export { setDims, setStridesA, setStridesB, setStridesC } from './walk';
export {
  add,
  divide,
  divideGrad,
  maximum,
  maximumGrad,
  minimum,
  minimumGrad,
  multiply,
  multiplyGrad,
  power,
  powerGradBase,
  prelu,
  preluGrad,
  subtract,
  where,
} from './binary';
export {
  negate,
  absolute,
  square,
  reciprocal,
  expOf as exp,
  logOf as log,
  sqrt,
  tanhOf as tanh,
  erfOf as erf,
  floor,
  ceil,
  round,
  sign,
  scale,
  addScalar,
  clip,
  relu,
  sigmoidOf as sigmoid,
  softplus,
  softsign,
  mish,
  hardSwish,
  hardSigmoid,
  swish,
  geluErf,
  geluTanh,
  leakyRelu,
  elu,
  celu,
  selu,
  thresholdedRelu,
  shrink,
  normRoot,
} from './unary';
export {
  absoluteGrad,
  squareGrad,
  reciprocalGrad,
  sqrtGrad,
  tanhGrad,
  erfGrad,
  clipGrad,
  reluGrad,
  sigmoidGrad,
  softplusGrad,
  softsignGrad,
  hardSwishGrad,
  hardSigmoidGrad,
  leakyReluGrad,
  eluGrad,
  celuGrad,
  seluGrad,
  thresholdedReluGrad,
  shrinkGrad,
  mishGrad,
  swishGrad,
  geluErfGrad,
  geluTanhGrad,
  normRootGrad,
} from './unary-grad';
export { accumulate, adam, lion, sgd, sgdMomentum, squaresUpdate } from './optimizers';
