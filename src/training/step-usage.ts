/** Who may call a step when: not after it is closed, and not from within a call of its own, which its memory is used by. */
import { SublinearError } from '../ir/diagnostic.ts';

export interface StepUsage {
  /** `call`, refused where it may not be made. `name` is what it is called in messages. */
  within<Given extends readonly unknown[], Result>(
    name: string,
    call: (...given: Given) => Result,
  ): (...given: Given) => Result;
  /** Refuses all calls from now on. Throws from within one. */
  end(): void;
}

export function createUsage(): StepUsage {
  let running: string | undefined;
  let ended = false;
  const refuseWithin = (name: string): void => {
    if (running === undefined) return;
    throw new SublinearError({
      code: 'step-busy',
      message: `${name} was called from within ${running} of the same step`,
      hint: 'wait until it has returned, or make a second step',
    });
  };
  return {
    within(name, call) {
      return (...given) => {
        refuseWithin(name);
        if (ended)
          throw new SublinearError({
            code: 'step-closed',
            message: `${name} was called on a step that is closed`,
            hint: 'close it last, or make a new step and load what was saved',
          });
        running = name;
        try {
          return call(...given);
        } finally {
          running = undefined;
        }
      };
    },
    end() {
      refuseWithin('close');
      ended = true;
    },
  };
}
