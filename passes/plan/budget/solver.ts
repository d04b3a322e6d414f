/**
 * HiGHS, behind the little that bounds need of it: a mixed-integer program in, the proven bound and the best solution out.
 * It is limited by nodes and by iterations of its linear programs, never by time, so the same program gives the same bound.
 */
import { createRequire } from 'node:module';

// The package's types describe its CommonJS form (its ES module has another default export), so that form is loaded.
const { default: highsLoader }: typeof import('highs') = createRequire(import.meta.url)('highs');

/** minimise cost.x, subject to rows and bounds; `integral[j]` = 1 for integer columns. */
export interface IntegerProgram {
  readonly cost: readonly number[];
  readonly lower: readonly number[];
  readonly upper: readonly number[];
  readonly integral: boolean;
  /** Compressed rows. */
  readonly rowStart: readonly number[];
  readonly columns: readonly number[];
  readonly values: readonly number[];
  readonly rowLower: readonly number[];
  readonly rowUpper: readonly number[];
}

export interface SolveLimits {
  readonly nodes: number;
  readonly iterations: number;
  /** Stops when the bound is this close to the best solution. */
  readonly relativeGap: number;
  readonly absoluteGap: number;
  /** Asked now and then; what is proved by then is returned once it says true. */
  readonly shouldStop?: () => boolean;
}

export interface SolverResult {
  /** No solution costs less (up to the solver's tolerance); -Infinity if nothing was proved. */
  readonly bound: number;
  readonly infeasible: boolean;
  /** Best solution found, if any. */
  readonly solution: Float64Array | undefined;
  readonly objective: number;
}

export type Solver = (program: IntegerProgram, limits: SolveLimits) => SolverResult;

let loaded: Promise<Solver> | undefined;

/** Loads the WebAssembly once. Solving is synchronous afterwards. */
export function loadSolver(): Promise<Solver> {
  loaded ??= highsLoader().then((highs) => (program, limits) => {
    const numCols = program.cost.length;
    const numRows = program.rowLower.length;
    const { integer, continuous } = highs.constants.variableType;
    const model = highs.createModel({
      numCols,
      numRows,
      colCost: Float64Array.from(program.cost),
      colLower: Float64Array.from(program.lower),
      colUpper: Float64Array.from(program.upper),
      rowLower: Float64Array.from(program.rowLower),
      rowUpper: Float64Array.from(program.rowUpper),
      matrix: {
        format: 'csr',
        numCols,
        numRows,
        starts: Int32Array.from(program.rowStart),
        indices: Int32Array.from(program.columns),
        values: Float64Array.from(program.values),
      },
      integrality: program.cost.map(() => (program.integral ? integer : continuous)),
    });
    try {
      model.options.set({
        output_flag: false,
        random_seed: 1,
        mip_max_nodes: limits.nodes,
        simplex_iteration_limit: limits.iterations,
        mip_rel_gap: limits.relativeGap,
        mip_abs_gap: limits.absoluteGap,
      });
      let bound = Number.NEGATIVE_INFINITY;
      model.run({
        [highs.constants.callbackType.mipInterrupt](event) {
          const dual = event.data.mip_dual_bound;
          if (dual !== undefined && Number.isFinite(dual)) bound = Math.max(bound, dual);
          const iterations = event.data.mip_total_lp_iterations;
          const spent = iterations !== undefined && Number(iterations) > limits.iterations;
          if (spent || limits.shouldStop?.() === true) event.interrupt();
          return undefined;
        },
      });
      const status = model.getModelStatus();
      const { modelStatus } = highs.constants;
      if (status === modelStatus.infeasible)
        return { bound: Number.POSITIVE_INFINITY, infeasible: true, solution: undefined, objective: Number.NaN };
      const objective = model.getObjectiveValue();
      if (status === modelStatus.optimal && !program.integral) bound = objective;
      else if (program.integral) {
        const dual = Number(model.info.get('mip_dual_bound'));
        if (Number.isFinite(dual)) bound = Math.max(bound, dual);
      }
      const values = model.getSolution().colValue;
      const feasible = Number(model.info.get('primal_solution_status')) === 2;
      return {
        bound,
        infeasible: false,
        solution: feasible && values !== undefined ? Float64Array.from(values) : undefined,
        objective,
      };
    } finally {
      model.dispose();
    }
  });
  return loaded;
}
