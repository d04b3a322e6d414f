/**
 * Measures what each kind of node of a step takes on this machine, for a costs file: whole steps are run, so that every
 * node finds caches as it does in training, and the median is taken of all runs of nodes with the same `costKey`.
 */
import { costKey, rooflineCost } from '../analysis/cost-model.ts';
import { type CostsFile, costsFileFormat } from '../analysis/costs-file.ts';
import { graphHash } from '../codegen/plan-file.ts';
import type { Compiled } from '../compile.ts';
import { createExecution } from '../execution.ts';
import type { Node, Tensor } from '../ir/graph.ts';
import { opNamed } from '../ops/table.ts';
import { formatTable } from './format.ts';
import type { RunOptions } from './run-step.ts';

/** Runs of the step: at least, at most, and the seconds after which those in between end. */
const leastRuns = 7;
const mostRuns = 101;
const enoughSeconds = 2;

interface Kind {
  /** One of the nodes. */
  readonly node: Node;
  /** Nodes of this kind in the step. */
  nodes: number;
  /** Milliseconds. */
  readonly times: number[];
}

/** A kind of node and its part of the step. */
export interface ProfiledKind {
  readonly key: string;
  readonly nodes: number;
  /** Nanoseconds of one run. */
  readonly cost: number;
}

export interface Profile {
  readonly file: CostsFile;
  /** The dearest first. */
  readonly kinds: readonly ProfiledKind[];
}

/** The inputs must be those of a step that has run: nothing is checked here. */
export function profileStep(
  compiled: Compiled,
  tensors: ReadonlyMap<string, Tensor>,
  { seed, backend = 'auto', threads = 1 }: RunOptions,
): Profile {
  const execution = createExecution(compiled, { seed, backend, threads });
  const { machine } = execution;
  const kinds = new Map<string, Kind>();
  const kindOf = compiled.graph.nodes.map((node): Kind | undefined => {
    if (opNamed(node.op).effect === 'view') return undefined;
    const key = costKey(node);
    const kind = kinds.get(key) ?? { node, nodes: 0, times: [] };
    kind.nodes++;
    kinds.set(key, kind);
    return kind;
  });
  const overhead = clockOverhead();
  let runs = 0;
  try {
    execution.setInputs(tensors);
    machine.run();
    for (let spent = 0; runs < leastRuns || (runs < mostRuns && spent < enoughSeconds * 1000); runs++) {
      execution.reset();
      execution.setRandom(seed, runs);
      machine.trace(({ index, start, end }) => {
        spent += end - start;
        kindOf[index]?.times.push(Math.max(0, end - start - overhead));
      });
    }
  } finally {
    execution.close();
  }
  const measured = [...kinds].map(([key, kind]) => ({
    key,
    nodes: kind.nodes,
    cost: Math.max(1, Math.round(1e6 * median(kind.times))),
    nominal: rooflineCost(opNamed(kind.node.op), kind.node),
  }));
  const total = (of: (kind: (typeof measured)[number]) => number): number =>
    measured.reduce((sum, kind) => sum + kind.nodes * of(kind), 0);
  const slowdown =
    total((kind) => kind.cost) /
    Math.max(
      1,
      total((kind) => kind.nominal),
    );
  return {
    file: {
      format: costsFileFormat,
      model: compiled.graph.name,
      graphHash: graphHash(compiled.planned),
      backend: execution.backend,
      ...(machine.threads > 1 && { threads: machine.threads }),
      runs,
      count: measured.length,
      slowdown: Math.max(0.001, Math.round(slowdown * 1000) / 1000),
      costs: Object.fromEntries(measured.map(({ key, cost }) => [key, cost])),
    },
    kinds: measured
      .map(({ key, nodes, cost }) => ({ key, nodes, cost }))
      .sort((a, b) => b.nodes * b.cost - a.nodes * a.cost),
  };
}

/** What a report says of it: the costs themselves are in the file. */
export function profileReport({ file }: Profile, path: string): object {
  const { costs: _costs, ...about } = file;
  return { path, ...about };
}

/** Kinds that are listed for people. */
const listed = 8;

/** The dearest kinds, and where all of them were written. */
export function describeProfile({ file, kinds }: Profile, path: string): string {
  const total = kinds.reduce((sum, { nodes, cost }) => sum + nodes * cost, 0);
  const rows = kinds
    .slice(0, listed)
    .map(({ key, nodes, cost }) => [
      `${((100 * nodes * cost) / Math.max(1, total)).toFixed(1).padStart(5)} %`,
      `${nodes} x`,
      `${cost} ns`,
      key.length > 90 ? `${key.slice(0, 87)}...` : key,
    ]);
  const table = formatTable(
    rows.map((row) => row.slice(0, 3)),
    '  ',
  ).split('\n');
  const lines = rows.length === 0 ? [] : table.map((line, i) => `${line}  ${rows[i]![3]}`);
  const head = `costs of ${file.count} kinds of node, median of ${file.runs} runs on ${file.backend} kernels; the dearest:`;
  return `${[head, ...lines].join('\n')}\nwrote ${path}\n`;
}

/** Milliseconds that reading the clock twice takes. */
function clockOverhead(): number {
  return median(
    Array.from({ length: 101 }, () => {
      const start = performance.now();
      return performance.now() - start;
    }),
  );
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}
