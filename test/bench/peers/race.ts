/** Contenders that do the same work in turns in one process, and the lines that are printed of them. */
export type Contender = () => unknown;

export interface Race {
  readonly label: string;
  /** Flops, or bytes. */
  readonly amount: number;
  readonly unit: 'GFLOP/s' | 'GB/s';
  readonly ours: Contender;
  /** Of those libraries that have it. */
  readonly tensorflow?: Contender | undefined;
  /** Its run less what a call costs that does nothing, which is no matter of its kernels. */
  readonly onnxruntime?: { readonly run: () => Promise<unknown>; readonly callMilliseconds: number } | undefined;
}

/**
 * Milliseconds of each contender's runs, fastest first, in turns for at least 400 ms each. Those that give a promise have
 * run when it is kept.
 */
export async function timesInTurns(contenders: readonly Contender[], leastRounds = 4): Promise<number[][]> {
  const times = contenders.map((): number[] => []);
  for (const contender of contenders) await contender();
  const end = performance.now() + 400 * contenders.length;
  for (let round = 0; round < leastRounds || performance.now() < end; round++)
    for (const [i, contender] of contenders.entries()) {
      const start = performance.now();
      const pending = contender();
      if (pending instanceof Promise) await pending;
      times[i]!.push(performance.now() - start);
    }
  return times.map((own) => own.sort((a, b) => a - b));
}

/** Prints rates, and after each library's how many times as fast we are. */
export async function race({ label, amount, unit, ours, tensorflow, onnxruntime }: Race): Promise<void> {
  const others = [tensorflow, onnxruntime?.run];
  const times = (await timesInTurns([ours, ...others.filter((run) => run !== undefined)])).map(([best]) => best!);
  const rate = (milliseconds: number): string => (amount / milliseconds / 1e6).toFixed(1).padStart(6);
  const own = times.shift()!;
  const [tfjs, ort] = others.map((run) => (run === undefined ? undefined : times.shift()!));
  const beside = (library: string, milliseconds: number | undefined): string =>
    milliseconds === undefined
      ? `${library}      -        `
      : `${library} ${rate(milliseconds)} ${`${(milliseconds / own).toFixed(2)}x`.padStart(7)}`;
  const parts = [
    `${label.padEnd(40)} ours ${rate(own)} ${unit}`,
    beside('tfjs wasm', tfjs),
    beside('onnxruntime', ort === undefined ? undefined : ort - onnxruntime!.callMilliseconds),
  ];
  console.log(parts.join('   ').trimEnd());
}
