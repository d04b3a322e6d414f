/** Numbers and tables as people read them. */

/** `1.50 Gflop` */
export function formatFlops(flops: number): string {
  const prefixes = ['', 'k', 'M', 'G', 'T', 'P'];
  let prefix = 0;
  let value = flops;
  while (value >= 1000 && prefix < prefixes.length - 1) {
    value /= 1000;
    prefix++;
  }
  return prefix === 0 ? `${flops} flop` : `${value.toFixed(value < 10 ? 2 : 1)} ${prefixes[prefix]}flop`;
}

export function formatSeconds(seconds: number): string {
  return seconds < 1 ? `${(seconds * 1000).toFixed(1)} ms` : `${seconds.toFixed(2)} s`;
}

/** `+12.3 %`; `-40.0 %`. */
export function formatChange(value: number, base: number): string {
  if (base === 0) return value === 0 ? '+0.0 %' : 'from nothing';
  const percent = (100 * (value - base)) / base;
  return `${percent < 0 ? '' : '+'}${percent.toFixed(1)} %`;
}

/** Columns padded to their widest cell: the first to the left, the others to the right. */
export function formatTable(rows: readonly (readonly string[])[], indent = ''): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  return rows
    .map((row) =>
      `${indent}${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ')}`.trimEnd(),
    )
    .join('\n');
}
