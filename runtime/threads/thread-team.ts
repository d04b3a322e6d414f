/**
 * The threads beyond the first, as the first one uses them: it opens the parts of a call to them, takes what it runs
 * itself, and waits for what they took. It runs everything that is not shared, so between shared calls nobody waits for
 * anybody.
 */
import { BackendError } from '../wasm-support.ts';
import { type Spawned, spawnWorker } from './spawn-worker.ts';
import { controlLayout as layout, spinTime, type WorkerSetup } from './thread-worker.ts';

export interface TeamSettings extends Pick<WorkerSetup, 'module' | 'memory' | 'names' | 'code'> {
  /** The first, which is the caller's, included. */
  readonly threads: number;
  /**
   * Milliseconds after which a thread that took a part and is not done counts as lost; default a minute. A thread that the
   * system killed can say nothing.
   */
  readonly patience?: number;
}

/** How many times as long as the first thread took for its own parts the others may take beyond that. */
const patienceFactor = 20;

export class ThreadTeam {
  private readonly control: Int32Array;
  private readonly workers: readonly Spawned[];
  /** Windows may not sleep. */
  private readonly maySleep: boolean;
  private readonly patience: number;
  private failure: BackendError | undefined;
  private ended = false;

  constructor({ threads, patience = 60_000, ...shared }: TeamSettings) {
    this.patience = patience;
    const others = threads - 1;
    const control = new Int32Array(new SharedArrayBuffer(4 * (layout.taken + threads * layout.line)));
    control.fill(1, layout.taken);
    this.control = control;
    this.maySleep = sleepAllowed(control);
    this.workers = Array.from({ length: others }, (_, i) =>
      spawnWorker({ ...shared, control, thread: i + 1, others, layout, spinTime }, (reason) => {
        this.noteFailure();
        if (!this.ended) this.failure ??= threadFailed(`thread ${i + 2}`, reason);
      }),
    );
  }

  get closed(): boolean {
    return this.ended;
  }

  /** Opens all parts but the first of the call whose code stands at `position`. Throws `BackendError` if a thread failed. */
  open(position: number, parts: number): void {
    const { control } = this;
    if (this.failure !== undefined || Atomics.load(control, layout.failed) !== 0) this.throwFailure();
    Atomics.store(control, layout.done, 0);
    Atomics.store(control, layout.position, position);
    for (let part = 1; part < parts; part++) Atomics.store(control, layout.taken + part * layout.line, 0);
    Atomics.add(control, layout.command, 1);
    if (Atomics.load(control, layout.sleepers) > 0) Atomics.notify(control, layout.command);
  }

  /** Whether a part was still to be had; then it is the caller's. */
  take(part: number): boolean {
    return Atomics.compareExchange(this.control, layout.taken + part * layout.line, 0, 1) === 0;
  }

  /**
   * Waits until the others are done with `count` parts of the call that was opened at `opened` (milliseconds of the
   * process clock). Throws `BackendError` for a thread that failed or is lost.
   */
  waitFor(count: number, opened: number): void {
    const { control } = this;
    if (count === 0) return;
    const began = performance.now();
    let now = began;
    do {
      for (let i = 0; i < 100; i++) if (Atomics.load(control, layout.done) === count) return;
      now = performance.now();
    } while (now < began + spinTime);
    const end = now + this.patience + patienceFactor * (now - opened);
    Atomics.store(control, layout.awaited, 1);
    for (;;) {
      const done = Atomics.load(control, layout.done);
      if (done === count) break;
      if (Atomics.load(control, layout.failed) !== 0) this.throwFailure();
      if (performance.now() > end) this.failure = threadFailed('a thread', 'it does not answer');
      if (this.failure !== undefined) throw this.failure;
      if (this.maySleep) Atomics.wait(control, layout.done, done, Math.min(1000, this.patience));
    }
    Atomics.store(control, layout.awaited, 0);
  }

  /** Ends the others. */
  close(): void {
    if (this.ended) return;
    this.ended = true;
    Atomics.store(this.control, layout.position, -1);
    Atomics.add(this.control, layout.command, 1);
    Atomics.notify(this.control, layout.command);
    for (const worker of this.workers) worker.terminate();
  }

  private throwFailure(): never {
    this.noteFailure();
    throw this.failure ?? threadFailed('a thread', 'for no reason that it gave');
  }

  /** What a thread wrote before it ended says more than that it ended. */
  private noteFailure(): void {
    const thread = Atomics.load(this.control, layout.failed);
    if (thread === 0) return;
    const first = layout.message + 1;
    const codes = this.control.subarray(first, first + this.control[layout.message]!);
    this.failure ??= threadFailed(`thread ${thread + 1}`, String.fromCharCode(...codes));
  }
}

function threadFailed(thread: string, reason: string): BackendError {
  return new BackendError(
    'thread-failed',
    `${thread} failed: ${reason}`,
    'run on one thread; if that works, this is a bug of sublinear',
  );
}

function sleepAllowed(control: Int32Array): boolean {
  try {
    Atomics.wait(control, layout.awaited, 1, 0);
    return true;
  } catch {
    return false;
  }
}
