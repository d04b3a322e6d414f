/** What a training prints as it goes: one line that is written over, on a terminal; else a line a step, to be read by programs. */
import { formatBytes } from '../inspect/format-bytes.ts';

export type LogFormat = 'csv' | 'jsonl';

export interface StepRecord {
  /** Updates done, this one included. */
  readonly step: number;
  readonly loss: number;
  /** Mean loss in evaluation mode, where this step evaluated. */
  readonly evalLoss: number | undefined;
  readonly learningRate: number;
  /** Since the training began. */
  readonly seconds: number;
}

export interface TrainLog {
  record(step: StepRecord): void;
  /** Ends the progress line, so that what follows begins on a line of its own. */
  end(): void;
}

export interface LogTarget {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** `steps`: where the training ends; `first`: the step it begins after. */
export function createTrainLog(
  target: LogTarget,
  format: LogFormat | undefined,
  about: { readonly steps: number; readonly first: number; readonly peakBytes: number },
): TrainLog {
  return format === undefined && target.isTTY === true ? progressLine(target, about) : lines(target, format ?? 'csv');
}

function progressLine(
  target: LogTarget,
  { steps, first, peakBytes }: { steps: number; first: number; peakBytes: number },
): TrainLog {
  let written = 0;
  let lastEvaluation = '';
  return {
    record({ step, loss, evalLoss, seconds }) {
      if (evalLoss !== undefined) lastEvaluation = `  eval ${evalLoss.toPrecision(5)}`;
      const rate = seconds > 0 ? ((step - first) / seconds).toFixed(1) : '-';
      const text = `step ${step}/${steps}  loss ${loss.toPrecision(5)}${lastEvaluation}  ${rate} steps/s  ${formatBytes(peakBytes)}`;
      target.write(`\r${text.padEnd(written)}`);
      written = text.length;
    },
    end() {
      if (written > 0) target.write('\n');
      written = 0;
    },
  };
}

function lines(target: LogTarget, format: LogFormat): TrainLog {
  let header = format === 'csv';
  return {
    record({ step, loss, evalLoss, learningRate, seconds }) {
      if (header) target.write('step,loss,evalLoss,learningRate,seconds\n');
      header = false;
      target.write(
        format === 'csv'
          ? `${[step, loss, evalLoss ?? '', learningRate, seconds].join(',')}\n`
          : `${JSON.stringify({ step, loss, ...(evalLoss !== undefined && { evalLoss }), learningRate, seconds })}\n`,
      );
    },
    end: () => undefined,
  };
}
