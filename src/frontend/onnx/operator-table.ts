/** The supported operators as people look them up: `sublinear ops` and the README's table are made from here. */
import { supportedOpsets } from './decode.ts';
import { trainingDomain } from './lowerings/training.ts';
import { onnxOperators } from './operators.ts';

export interface ListedOperator {
  /** Operators of other domains as `DOMAIN.OPERATOR`. */
  readonly onnx: string;
  /** Opsets, both ends included; of the operator's own domain. */
  readonly first: number;
  readonly last: number;
  /** Whether gradients flow through it. */
  readonly gradient: boolean;
  /** What is not supported. */
  readonly limits?: string;
}

/** Sorted by name. */
export function listedOperators(): readonly ListedOperator[] {
  const lowered = onnxOperators.map(({ onnx, since, gradient, limits }): ListedOperator => {
    const last = onnx.includes('.') ? 1 : supportedOpsets.last;
    return { onnx, first: since, last, gradient, ...(limits !== undefined && { limits }) };
  });
  // It has no lowering: it is a request to whoever differentiates the graph.
  const request: ListedOperator = {
    onnx: `${trainingDomain}.Gradient`,
    first: 1,
    last: 1,
    gradient: false,
    limits: 'its results are outputs of the graph and nothing else; no values held fixed (zs)',
  };
  return [...lowered, request].sort((a, b) => (a.onnx < b.onnx ? -1 : 1));
}

/** The domain of an operator as it is listed; '' for the standard's. */
function domainOf(onnx: string): string {
  return onnx.slice(0, Math.max(0, onnx.lastIndexOf('.')));
}

/**
 * Markdown: operators without limits by opset and gradient, many a row; then each operator with limits on a row of its
 * own. Ends with a line break.
 */
export function operatorTable(): string {
  const groups = new Map<string, { readonly first: ListedOperator; readonly names: string[] }>();
  for (const operator of listedOperators()) {
    const { onnx, first, gradient, limits } = operator;
    const key = limits === undefined ? `${domainOf(onnx)} ${first} ${gradient}` : onnx;
    const group = groups.get(key) ?? { first: operator, names: [] };
    group.names.push(`\`${onnx.replace(`${trainingDomain}.`, '')}\``);
    groups.set(key, group);
  }
  const order = (limits: string | undefined): number => (limits === undefined ? 0 : 1);
  const rows = [...groups.values()].sort(
    ({ first: a }, { first: b }) =>
      order(a.limits) - order(b.limits) ||
      (order(a.limits) === 0
        ? b.last - a.last || a.first - b.first || Number(b.gradient) - Number(a.gradient)
        : a.onnx < b.onnx
          ? -1
          : 1),
  );
  const lines = rows.map(({ first: { onnx, first, last, gradient, limits = '' }, names }) => {
    const domain = domainOf(onnx);
    const opsets = domain === '' ? `${first} to ${last}` : domain === trainingDomain ? 'training 1' : `${domain} 1`;
    return `| ${names.join(' ')} | ${opsets} | ${gradient ? 'yes' : 'no'} | ${limits} |`;
  });
  return ['| operators | opsets | gradient | limits |', '|---|---|---|---|', ...lines, ''].join('\n');
}
