/** Runs test files against edited sources, and ends what never ends. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Job, Outcome } from './edit-worker.ts';

export interface EditedTests extends AsyncDisposable {
  /** What caught it: the name of the first test that failed, or that it did not end; undefined if all passed. */
  run(job: Job): Promise<string | undefined>;
}

/** `limitSeconds` is for one test file: far more than any takes, for the machine may be busy. */
export function editedTests(limitSeconds = 240): EditedTests {
  let worker: ChildProcess | undefined;

  function start(): ChildProcess {
    // A group of its own: the processes in which the tests run end with it.
    return fork(join(import.meta.dirname, 'edit-worker.ts'), {
      detached: true,
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  }

  function end(): void {
    if (worker?.pid !== undefined && worker.exitCode === null) process.kill(-worker.pid, 'SIGKILL');
    worker = undefined;
  }

  function run(job: Job): Promise<string | undefined> {
    worker ??= start();
    const running = worker;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        settle();
        end();
        resolve(`${job.test} did not end within ${limitSeconds} s`);
      }, limitSeconds * 1000);
      const onMessage = ({ failed }: Outcome): void => {
        settle();
        resolve(failed);
      };
      const onExit = (): void => {
        settle();
        worker = undefined;
        reject(new Error(`the process that runs ${job.test} ended`));
      };
      const settle = (): void => {
        clearTimeout(timer);
        running.off('message', onMessage);
        running.off('exit', onExit);
      };
      running.on('message', onMessage);
      running.on('exit', onExit);
      running.send(job);
    });
  }

  return {
    run,
    [Symbol.asyncDispose]: async () => end(),
  };
}
