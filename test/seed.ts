/** Property tests draw the same cases in every run; `FC_SEED=N` draws others, `FC_SEED=random` new ones each time. */
import fc from 'fast-check';

const asked = process.env.FC_SEED;
if (asked !== 'random') fc.configureGlobal({ seed: Number(asked ?? 20) });
