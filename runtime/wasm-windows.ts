/** Kernels that read windows: means of them, resizing by a table that is made here, as the plain kernels do, and sampling. */
import type { gridSample, gridSampleGradGrid, gridSampleGradInput } from './kernels/grid-sample.ts';
import type { averagePool, averagePoolGrad } from './kernels/pool.ts';
import { fillTable, type resizeAxis, type resizeAxisGrad, resizeTaps } from './kernels/resize.ts';
import type { PickKernel } from './wasm-instance.ts';

export function averagePoolWasm(pick: PickKernel): typeof averagePool {
  const f = pick('averagePool');
  return (_, x, out, includePad, geometry) => {
    f(x, out, includePad, ...geometry);
  };
}

export function averagePoolGradWasm(pick: PickKernel): typeof averagePoolGrad {
  const f = pick('averagePoolGrad');
  return (_, dy, dx, includePad, geometry) => {
    f(dy, dx, includePad, ...geometry);
  };
}

export function resizeAxisWasm(pick: PickKernel): typeof resizeAxis {
  const f = pick('resizeAxis');
  return (m, x, out, table, outer, from, to, inner, how) => {
    const taps = resizeTaps(how);
    fillTable(m, table / 8, from, to, taps, how);
    f(x, out, table, outer, from, to, inner, taps, how[9]!);
  };
}

export function resizeAxisGradWasm(pick: PickKernel): typeof resizeAxisGrad {
  const f = pick('resizeAxisGrad');
  return (m, dy, dx, table, outer, from, to, inner, how) => {
    const taps = resizeTaps(how);
    fillTable(m, table / 8, from, to, taps, how);
    f(dy, dx, table, outer, from, to, inner, taps);
  };
}

export function gridSampleWasm(pick: PickKernel): typeof gridSample {
  const f = pick('gridSample');
  return (_, x, grid, out, table, batch, channels, points, start, count, geometry) => {
    f(x, grid, out, table, batch, channels, points, start, count, ...geometry);
  };
}

export function gridSampleGradInputWasm(pick: PickKernel): typeof gridSampleGradInput {
  const f = pick('gridSampleGradInput');
  return (_, dy, grid, dx, table, batch, channels, points, geometry) => {
    f(dy, grid, dx, table, batch, channels, points, ...geometry);
  };
}

export function gridSampleGradGridWasm(pick: PickKernel): typeof gridSampleGradGrid {
  const f = pick('gridSampleGradGrid');
  return (_, dy, x, grid, dgrid, table, batch, channels, points, start, count, geometry) => {
    f(dy, x, grid, dgrid, table, batch, channels, points, start, count, ...geometry);
  };
}
