/** Every ONNX operator that is supported, once. The families register their lowerings here and nowhere else. */
import type { OnnxLowering } from './lowering.ts';
import { arithmeticLowerings } from './lowerings/arithmetic.ts';
import { attentionLowerings } from './lowerings/attention.ts';
import { contribActivationLowerings } from './lowerings/contrib-activations.ts';
import { contribAttentionLowerings } from './lowerings/contrib-attention.ts';
import { contribNormalizationLowerings } from './lowerings/contrib-normalization.ts';
import { contribProductLowerings } from './lowerings/contrib-products.ts';
import { convolutionLowerings } from './lowerings/convolution.ts';
import { dropoutLowerings } from './lowerings/dropout.ts';
import { einsumLowerings } from './lowerings/einsum.ts';
import { indexingLowerings } from './lowerings/indexing.ts';
import { matmulLowerings } from './lowerings/matmul.ts';
import { movementLowerings } from './lowerings/movement.ts';
import { normalizationLowerings } from './lowerings/normalization.ts';
import { poolingLowerings } from './lowerings/pooling.ts';
import { quantizationLowerings } from './lowerings/quantization.ts';
import { randomLowerings } from './lowerings/random.ts';
import { recurrentLowerings } from './lowerings/recurrent.ts';
import { reductionLowerings } from './lowerings/reduction.ts';
import { resizeLowerings } from './lowerings/resize.ts';
import { rotaryLowerings } from './lowerings/rotary.ts';
import { samplingLowerings } from './lowerings/sampling.ts';
import { shapeLowerings } from './lowerings/shape.ts';
import { softmaxLowerings } from './lowerings/softmax.ts';
import { trainingLowerings } from './lowerings/training.ts';
import { unaryLowerings } from './lowerings/unary.ts';

/** Sorted by operator, for listings. */
export const onnxOperators: readonly OnnxLowering[] = [
  ...arithmeticLowerings,
  ...attentionLowerings,
  ...contribActivationLowerings,
  ...contribAttentionLowerings,
  ...contribNormalizationLowerings,
  ...contribProductLowerings,
  ...convolutionLowerings,
  ...dropoutLowerings,
  ...einsumLowerings,
  ...indexingLowerings,
  ...matmulLowerings,
  ...movementLowerings,
  ...normalizationLowerings,
  ...poolingLowerings,
  ...quantizationLowerings,
  ...randomLowerings,
  ...recurrentLowerings,
  ...reductionLowerings,
  ...resizeLowerings,
  ...rotaryLowerings,
  ...samplingLowerings,
  ...shapeLowerings,
  ...softmaxLowerings,
  ...trainingLowerings,
  ...unaryLowerings,
].sort((a, b) => (a.onnx < b.onnx ? -1 : 1));

/** By operator, those of other domains as `DOMAIN.OPERATOR`. */
export const lowerings: ReadonlyMap<string, OnnxLowering> = new Map(
  onnxOperators.map((lowering) => [lowering.onnx, lowering]),
);
