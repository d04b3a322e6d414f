/** `--threads N` and `--fast-math`, of the commands that run steps. */
import { InvalidArgumentError, Option } from 'commander';
import { type BackendChoice, mostThreads } from '../../runtime/select-backend.ts';
import { SublinearError } from '../ir/diagnostic.ts';

export interface ThreadsOptions {
  readonly threads: number;
  readonly backend: BackendChoice;
  readonly fastMath: boolean;
}

export const fastMathHelp =
  'round products and sums once where the machine can: faster, and not reproducible across machines';

export function threadsOption(): Option {
  return new Option('--threads <N>', 'threads that share the work of a step: as many as there are cores, at best')
    .argParser((value) => {
      const threads = Number(value);
      if (!/^\d+$/.test(value) || threads < 1 || threads > mostThreads)
        throw new InvalidArgumentError(`It must be a whole number from 1 to ${mostThreads}.`);
      return threads;
    })
    .default(1);
}

/** Throws `SublinearError` (exit code 2) where threads or fast math are asked of kernels that have none. */
export function checkThreadsOption({ threads, backend, fastMath }: ThreadsOptions): void {
  if (fastMath && backend === 'js')
    throw new SublinearError(
      {
        code: 'bad-option',
        message: '--fast-math needs WebAssembly kernels, and --backend js has none',
        hint: 'leave out one of the two',
      },
      2,
    );
  if (threads > 1 && backend === 'js')
    throw new SublinearError(
      {
        code: 'bad-option',
        message: `--threads ${threads} needs WebAssembly kernels, and --backend js has none`,
        hint: 'leave out one of the two',
      },
      2,
    );
}
