/** The forward pass of ResNet-18 from one ONNX file, by us and by onnxruntime-web in turns on one thread. */
import { stepInputs } from '../../../src/cli/step-inputs.ts';
import { resNet18Onnx } from '../resnet-onnx.ts';
import { resNet18Forward, stepOf } from '../steps.ts';
import { loadOnnxRuntime } from './onnxruntime.ts';
import { timesInTurns } from './race.ts';

export interface ForwardTimes {
  readonly theirs: number;
  readonly ours: number;
}

/**
 * Median milliseconds; undefined where onnxruntime-web is not installed. Both are called as a program calls them, images
 * copied in and logits out. Throws where they do not compute the same.
 */
export async function forwardTimes(): Promise<ForwardTimes | undefined> {
  const ort = await loadOnnxRuntime();
  if (ort === undefined) return undefined;
  const session = await ort.session(resNet18Onnx());
  const compiled = resNet18Forward();
  const execution = stepOf(compiled);
  const inputs = stepInputs(compiled.graph, new Map(), 1).tensors;
  const { type, data } = inputs.get('images')!;
  const images = ort.tensor(Float32Array.from(data), type.shape);
  const ours = (): ArrayLike<number> => {
    execution.setInputs(inputs);
    execution.machine.run();
    return execution.outputs().get('logits')!.data;
  };
  const theirs = async (): Promise<ArrayLike<number>> => {
    const { logits } = await session.run({ images });
    if (!(logits?.data instanceof Float32Array)) throw new Error('onnxruntime-web gives no float32 logits');
    return logits.data;
  };
  checkClose(ours(), await theirs());
  const [own, other] = await timesInTurns([ours, theirs], 7);
  return { ours: middle(own!), theirs: middle(other!) };
}

const middle = (sorted: readonly number[]): number => sorted[sorted.length >> 1]!;

function checkClose(ours: ArrayLike<number>, theirs: ArrayLike<number>): void {
  let [difference, size] = [0, 0];
  for (let i = 0; i < theirs.length; i++) {
    difference = Math.max(difference, Math.abs(ours[i]! - theirs[i]!));
    size = Math.max(size, Math.abs(theirs[i]!));
  }
  if (ours.length === theirs.length && size > 0 && difference <= 1e-4 * size) return;
  throw new Error(`logits of up to ${size} differ by ${difference} between sublinear and onnxruntime-web`);
}
