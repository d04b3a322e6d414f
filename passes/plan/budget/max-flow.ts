/**
 * Maximum flow from sources to sinks over links of unlimited capacity (the network of a closure problem), by Dinic's
 * algorithm with an explicit stack. The network is built once and solved for many capacities.
 */

export interface Flow {
  link(source: number, sink: number): void;
  /** After the last link. */
  finish(): void;
  /** Sinks linked to a source. */
  needs(source: number, visit: (sink: number) => void): void;
  /**
   * Value of the largest flow, and the sources on the source side of the smallest cut: those whose supply exceeds the
   * capacity of what they need.
   */
  solve(supply: Float64Array, capacity: Float64Array): { readonly value: number; readonly chosen: Uint8Array };
}

export function createFlow(sources: number, sinks: number): Flow {
  const from: number[] = [];
  const to: number[] = [];
  const sourceStart = new Int32Array(sources + 1);
  const sinkStart = new Int32Array(sinks + 1);
  let sourceLinks = new Int32Array(0);
  let sinkLinks = new Int32Array(0);
  let carried = new Float64Array(0);
  return {
    link(source, sink) {
      from.push(source);
      to.push(sink);
    },
    finish() {
      const count = from.length;
      for (let e = 0; e < count; e++) {
        sourceStart[from[e]! + 1] = sourceStart[from[e]! + 1]! + 1;
        sinkStart[to[e]! + 1] = sinkStart[to[e]! + 1]! + 1;
      }
      for (let i = 0; i < sources; i++) sourceStart[i + 1] = sourceStart[i + 1]! + sourceStart[i]!;
      for (let i = 0; i < sinks; i++) sinkStart[i + 1] = sinkStart[i + 1]! + sinkStart[i]!;
      sourceLinks = new Int32Array(count);
      sinkLinks = new Int32Array(count);
      const a = sourceStart.slice();
      const b = sinkStart.slice();
      for (let e = 0; e < count; e++) {
        sourceLinks[a[from[e]!]!] = e;
        a[from[e]!] = a[from[e]!]! + 1;
        sinkLinks[b[to[e]!]!] = e;
        b[to[e]!] = b[to[e]!]! + 1;
      }
      carried = new Float64Array(count);
    },
    needs(source, visit) {
      for (let k = sourceStart[source]!; k < sourceStart[source + 1]!; k++) visit(to[sourceLinks[k]!]!);
    },
    solve(supply, capacity) {
      carried.fill(0);
      const rest = supply.slice();
      const room = capacity.slice();
      let scale = 0;
      for (let i = 0; i < sources; i++) scale = Math.max(scale, rest[i]!);
      const least = scale * 1e-12;
      const sourceLevel = new Int32Array(sources);
      const sinkLevel = new Int32Array(sinks);
      const sourceCursor = new Int32Array(sources);
      const sinkCursor = new Int32Array(sinks);
      const queue = new Int32Array(sources + sinks);
      const path = new Int32Array(sources + sinks + 2);
      let value = 0;
      /** Levels of the residual network; vertices are sources, then sinks. False when no sink with room is reached. */
      const levels = (): boolean => {
        sourceLevel.fill(-1);
        sinkLevel.fill(-1);
        let head = 0;
        let tail = 0;
        let reached = Number.POSITIVE_INFINITY;
        for (let i = 0; i < sources; i++)
          if (rest[i]! > least) {
            sourceLevel[i] = 0;
            queue[tail++] = i;
          }
        while (head < tail) {
          const vertex = queue[head++]!;
          if (vertex < sources) {
            if (sourceLevel[vertex]! >= reached) break;
            for (let k = sourceStart[vertex]!; k < sourceStart[vertex + 1]!; k++) {
              const sink = to[sourceLinks[k]!]!;
              if (sinkLevel[sink]! >= 0) continue;
              sinkLevel[sink] = sourceLevel[vertex]! + 1;
              if (room[sink]! > least) reached = Math.min(reached, sinkLevel[sink]!);
              queue[tail++] = sources + sink;
            }
          } else {
            const sink = vertex - sources;
            for (let k = sinkStart[sink]!; k < sinkStart[sink + 1]!; k++) {
              const e = sinkLinks[k]!;
              const source = from[e]!;
              if (carried[e]! <= least || sourceLevel[source]! >= 0) continue;
              sourceLevel[source] = sinkLevel[sink]! + 1;
              queue[tail++] = source;
            }
          }
        }
        return Number.isFinite(reached);
      };
      /** Pushes flow from one source along levels until it is used up or stuck. */
      const push = (start: number): void => {
        while (rest[start]! > least) {
          // `path` alternates links: source to sink, sink back to source, ...
          let length = 0;
          let source = start;
          let done = false;
          for (;;) {
            let moved = false;
            for (; sourceCursor[source]! < sourceStart[source + 1]!; sourceCursor[source] = sourceCursor[source]! + 1) {
              const e = sourceLinks[sourceCursor[source]!]!;
              const sink = to[e]!;
              if (sinkLevel[sink] !== sourceLevel[source]! + 1) continue;
              if (room[sink]! > least) {
                path[length++] = e;
                done = true;
                break;
              }
              let next = -1;
              for (; sinkCursor[sink]! < sinkStart[sink + 1]!; sinkCursor[sink] = sinkCursor[sink]! + 1) {
                const back = sinkLinks[sinkCursor[sink]!]!;
                if (carried[back]! > least && sourceLevel[from[back]!] === sinkLevel[sink]! + 1) {
                  next = back;
                  break;
                }
              }
              if (next < 0) continue;
              path[length++] = e;
              path[length++] = next;
              source = from[next]!;
              moved = true;
              break;
            }
            if (done) break;
            if (moved) continue;
            if (length === 0) return;
            // Dead end: step back over the pair of links that led here.
            const back = path[--length]!;
            const e = path[--length]!;
            const sink = to[back]!;
            sinkCursor[sink] = sinkCursor[sink]! + 1;
            source = from[e]!;
          }
          let amount = Math.min(rest[start]!, room[to[path[length - 1]!]!]!);
          for (let k = 1; k < length; k += 2) amount = Math.min(amount, carried[path[k]!]!);
          for (let k = 0; k < length; k++) carried[path[k]!] = carried[path[k]!]! + (k % 2 === 0 ? amount : -amount);
          rest[start] = rest[start]! - amount;
          const end = to[path[length - 1]!]!;
          room[end] = room[end]! - amount;
          value += amount;
        }
      };
      while (levels()) {
        for (let i = 0; i < sources; i++) sourceCursor[i] = sourceStart[i]!;
        for (let i = 0; i < sinks; i++) sinkCursor[i] = sinkStart[i]!;
        for (let i = 0; i < sources; i++) if (sourceLevel[i] === 0) push(i);
      }
      const chosen = new Uint8Array(sources);
      for (let i = 0; i < sources; i++) chosen[i] = sourceLevel[i]! >= 0 ? 1 : 0;
      return { value, chosen };
    },
  };
}
