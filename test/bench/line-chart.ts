/** Line charts as SVG text: scales and paths by d3, the rest written out. */
import { scaleLinear } from 'd3-scale';
import { line } from 'd3-shape';

export interface ChartPoint {
  readonly x: number;
  readonly y: number;
}

export interface ChartSeries {
  readonly name: string;
  readonly points: readonly ChartPoint[];
}

const width = 640;
const height = 400;
const margin = { left: 70, right: 110, top: 40, bottom: 50 };
const colours = ['#333333', '#1f77b4', '#d62728', '#2ca02c', '#9467bd', '#ff7f0e'];

/** A chart from zero up, each line labelled at its end. */
export function lineChart(title: string, xLabel: string, yLabel: string, series: readonly ChartSeries[]): string {
  const points = series.flatMap((s) => s.points);
  const x = scaleLinear([0, Math.max(1, ...points.map((p) => p.x))], [margin.left, width - margin.right]).nice();
  const y = scaleLinear([0, Math.max(1e-9, ...points.map((p) => p.y))], [height - margin.bottom, margin.top]).nice();
  const path = line<ChartPoint>(
    (p) => x(p.x),
    (p) => y(p.y),
  );
  const text = (at: ChartPoint, content: string, attributes = ''): string =>
    `<text x="${at.x.toFixed(1)}" y="${at.y.toFixed(1)}" ${attributes}>${content}</text>`;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    text({ x: margin.left, y: 22 }, title, 'font-size="15"'),
    ...x
      .ticks(8)
      .map((tick) => text({ x: x(tick), y: height - margin.bottom + 18 }, String(tick), 'text-anchor="middle"')),
    ...y
      .ticks(6)
      .flatMap((tick) => [
        `<line x1="${margin.left}" x2="${width - margin.right}" y1="${y(tick).toFixed(1)}" y2="${y(tick).toFixed(1)}" stroke="#e0e0e0"/>`,
        text({ x: margin.left - 8, y: y(tick) + 4 }, String(tick), 'text-anchor="end"'),
      ]),
    text({ x: (margin.left + width - margin.right) / 2, y: height - 12 }, xLabel, 'text-anchor="middle"'),
    text({ x: 16, y: margin.top - 8 }, yLabel),
  ];
  series.forEach((s, i) => {
    const colour = colours[i % colours.length]!;
    const last = s.points.at(-1);
    parts.push(`<path d="${path([...s.points]) ?? ''}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const p of s.points)
      parts.push(`<circle cx="${x(p.x).toFixed(1)}" cy="${y(p.y).toFixed(1)}" r="3" fill="${colour}"/>`);
    if (last !== undefined) parts.push(text({ x: x(last.x) + 8, y: y(last.y) + 4 }, s.name, `fill="${colour}"`));
  });
  return `${[...parts, '</svg>'].join('\n')}\n`;
}
