/** SVG of a DOT text, by Graphviz compiled to WebAssembly; loaded only when something is drawn. */
import { SublinearError } from '../ir/diagnostic.ts';

/** Throws `SublinearError` with Graphviz' own words where it refuses the text. */
export async function renderSvg(dot: string): Promise<string> {
  const { instance } = await import('@viz-js/viz');
  const viz = await instance();
  const result = viz.render(dot, { format: 'svg', engine: 'dot' });
  if (result.status === 'success') return result.output;
  throw new SublinearError({
    code: 'graphviz',
    message: `Graphviz cannot draw the graph: ${result.errors.map((error) => error.message).join('; ')}`,
    hint: 'larger graphs are drawn as blocks: see collapseAbove',
  });
}
