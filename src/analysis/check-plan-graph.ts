/**
 * Reads plan graphs that come from anywhere (DESIGN section 8, `sublinear-plan-graph/1`): checks every field, resolves
 * names, and puts the nodes in order. What it returns satisfies all that `PlanGraph` promises.
 *
 * Written by hand because a schema library is slow on 100,000 nodes and says less about what is wrong. Faults are
 * collected up to a limit, so that garbage of any size fails at once.
 */
import type { Region } from '../../runtime/program.ts';
import { requireText } from '../ir/arguments.ts';
import { nameSuggester, SublinearError } from '../ir/diagnostic.ts';
import { alignUp } from '../ir/graph.ts';
import { type JsonReader, jsonReader } from './json-reader.ts';
import { orderPlanNodes } from './order-plan-nodes.ts';
import type { PlanGraph, PlanNode, PlanPart, PlanResult, PlanValue } from './plan-graph.ts';

export const planGraphFormat = 'sublinear-plan-graph/1';

const regions: readonly Region[] = ['forward', 'backward', 'update'];
const graphFields = ['format', 'inputs', 'nodes', 'outputs'];
const inputFields = ['name', 'bytes'];
const nodeFields = ['name', 'inputs', 'outputs', 'cost', 'region', 'recomputable', 'scratch', 'expensive'];
const resultFields = ['name', 'bytes', 'view', 'over', 'parts'];
const partFields = ['value', 'offset'];

/** `text` is JSON; `source` is what messages call it. Throws `SublinearError`. */
export function parsePlanGraph(text: string, source = 'the plan graph'): PlanGraph {
  requireText('parsePlanGraph', text);
  requireText('source of parsePlanGraph', source);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 120) : 'not JSON';
    throw new SublinearError({ code: 'bad-plan-graph', message: `${source} is not JSON: ${reason}`, source });
  }
  return checkPlanGraph(json, source);
}

/**
 * Defaults: `cost` 1, `region` forward, `recomputable` true in the regions forward and backward, `scratch` 0, `expensive`
 * false. Nodes may come in any order: out of order they are sorted (stably, within the regions' order). `source` names
 * the file in messages. Throws `SublinearError` with up to twenty reader.
 */
export function checkPlanGraph(json: unknown, source: string): PlanGraph {
  const reader = jsonReader(source, 'bad-plan-graph');
  const root = reader.record(json, 'the plan graph', graphFields);
  if (root?.format !== planGraphFormat) {
    reader.add(`format is ${reader.shown(root?.format)}, not ${JSON.stringify(planGraphFormat)}`);
    reader.throwIfAny();
  }
  const inputs = reader.list(root?.inputs, 'inputs').map((input, i) => readInput(reader, input, i));
  const nodes = reader.list(root?.nodes, 'nodes').map((node, i) => readNode(reader, node, i));
  const outputs = [...new Set(reader.names(root?.outputs, 'outputs'))];
  reader.throwIfAny();
  checkTotals(reader, { inputs, nodes, outputs });
  checkNames(reader, { inputs, nodes, outputs });
  reader.throwIfAny();
  const ordered = orderPlanNodes({ inputs, nodes, outputs }, source);
  checkSharing(reader, { inputs, nodes: ordered, outputs });
  reader.throwIfAny();
  return { inputs, nodes: ordered, outputs };
}

function readInput(reader: JsonReader, json: unknown, i: number): PlanValue {
  const record = reader.record(json, `inputs[${i}]`, inputFields);
  const name = reader.name(record?.name, `inputs[${i}].name`);
  return { name, bytes: reader.count(record?.bytes, `bytes of input ${JSON.stringify(name)}`) };
}

function readNode(reader: JsonReader, json: unknown, i: number): PlanNode {
  const record = reader.record(json, `nodes[${i}]`, nodeFields);
  const name = reader.name(record?.name, `nodes[${i}].name`);
  const of = `of node ${JSON.stringify(name)}`;
  const region = readRegion(reader, record?.region, of);
  const outputs = reader
    .list(record?.outputs, `outputs ${of}`)
    .map((output, k): PlanResult => readResult(reader, output, `outputs[${k}] ${of}`));
  const expensive = reader.flag(record?.expensive, false, `expensive ${of}`);
  return {
    name,
    inputs: reader.names(record?.inputs, `inputs ${of}`),
    outputs,
    cost: record?.cost === undefined ? 1 : reader.count(record.cost, `cost ${of}`),
    region,
    recomputable: reader.flag(record?.recomputable, region !== 'update', `recomputable ${of}`),
    scratch: record?.scratch === undefined ? 0 : reader.count(record.scratch, `scratch ${of}`),
    ...(expensive ? { expensive } : {}),
  };
}

function readRegion(reader: JsonReader, json: unknown, of: string): Region {
  if (json === undefined) return 'forward';
  const region = regions.find((known) => known === json);
  if (region === undefined) reader.add(`region ${of} is ${reader.shown(json)}, not forward, backward or update`);
  return region ?? 'forward';
}

function readResult(reader: JsonReader, json: unknown, place: string): PlanResult {
  const record = reader.record(json, place, resultFields);
  const name = reader.name(record?.name, `name of ${place}`);
  const bytes = reader.count(record?.bytes, `bytes of ${JSON.stringify(name)}`);
  const view = record?.view === undefined ? undefined : reader.name(record.view, `view of ${JSON.stringify(name)}`);
  if (record?.parts !== undefined) {
    if (view !== undefined || record.over !== undefined)
      reader.add(`${JSON.stringify(name)} has parts, so it is no view and over no input`);
    const parts = reader
      .list(record.parts, `parts of ${JSON.stringify(name)}`)
      .map((part, k) => readPart(reader, part, `parts[${k}] of ${JSON.stringify(name)}`));
    return { name, bytes, parts };
  }
  if (record?.over === undefined) return view === undefined ? { name, bytes } : { name, bytes, view };
  if (view !== undefined) reader.add(`${JSON.stringify(name)} is both a view and over an input`);
  const over =
    typeof record.over === 'string' ? record.over : reader.names(record.over, `over of ${JSON.stringify(name)}`);
  return { name, bytes, over };
}

function readPart(reader: JsonReader, json: unknown, place: string): PlanPart {
  const record = reader.record(json, place, partFields);
  return {
    value: reader.name(record?.value, `value of ${place}`),
    offset: reader.count(record?.offset, `offset of ${place}`),
  };
}

/** Sums of bytes, rounded up, and of costs stay whole numbers. */
function checkTotals(reader: JsonReader, graph: PlanGraph): void {
  let bytes = 0;
  let cost = 0;
  for (const value of graph.inputs) bytes += alignUp(value.bytes);
  for (const node of graph.nodes) {
    for (const value of node.outputs) bytes += alignUp(value.bytes);
    bytes += alignUp(node.scratch);
    cost += node.cost;
  }
  if (bytes > Number.MAX_SAFE_INTEGER) reader.add('the bytes of all values add up to more than 2^53');
  if (cost > Number.MAX_SAFE_INTEGER) reader.add('the costs of all nodes add up to more than 2^53');
}

/** Names are unique; everything read is an input or somebody's output. */
function checkNames(reader: JsonReader, graph: PlanGraph): void {
  const values = new Set<string>();
  const nodeNames = new Set<string>();
  const declare = (name: string): void => {
    if (values.has(name)) reader.add(`two values are named ${JSON.stringify(name)}`);
    values.add(name);
  };
  for (const input of graph.inputs) declare(input.name);
  for (const node of graph.nodes) {
    if (nodeNames.has(node.name)) reader.add(`two nodes are named ${JSON.stringify(node.name)}`);
    nodeNames.add(node.name);
    for (const output of node.outputs) declare(output.name);
  }
  const nearestTo = nameSuggester(() => values);
  const require = (name: string, who: string, node?: string): void => {
    if (values.has(name)) return;
    const nearest = nearestTo(name);
    reader.add(`${who} ${JSON.stringify(name)}, which nobody makes`, {
      ...(node === undefined ? {} : { node }),
      ...(nearest === undefined ? {} : { hint: `did you mean ${JSON.stringify(nearest)}?` }),
    });
  };
  for (const node of graph.nodes) {
    for (const input of node.inputs) require(input, `node ${JSON.stringify(node.name)} reads`, node.name);
    const reads = new Set(node.inputs);
    for (const output of node.outputs) {
      const parts = (output.parts ?? []).map((part) => part.value);
      for (const shared of [output.view ?? [], output.over ?? [], parts].flat())
        if (!reads.has(shared))
          reader.add(
            `${JSON.stringify(output.name)} shares storage with ${JSON.stringify(shared)}, which its node does not read`,
            { node: node.name },
          );
    }
  }
  for (const output of graph.outputs) require(output, 'the graph outputs');
}

/** The storages of parts lie beside one another within the result. */
function checkParts(reader: JsonReader, node: PlanNode, owner: ReadonlyMap<string, PlanValue>): void {
  for (const { name, bytes, parts = [] } of node.outputs) {
    let end = 0;
    for (const { value, offset } of [...parts].sort((a, b) => a.offset - b.offset)) {
      const base = owner.get(value)!;
      const part = `${JSON.stringify(value)} as a part of ${JSON.stringify(name)}`;
      if (offset < end || offset + base.bytes > bytes)
        reader.add(`${part} lies from ${offset} to ${offset + base.bytes} of ${bytes} bytes, where there is no room`, {
          node: node.name,
        });
      end = offset + base.bytes;
    }
  }
}

/** A result fits into what it is `over`, and no two results of a node are `over`, or over and view of, one storage. */
function checkSharing(reader: JsonReader, graph: PlanGraph): void {
  const owner = new Map<string, PlanValue>();
  for (const input of graph.inputs) owner.set(input.name, input);
  const residents = new Set<PlanValue>(graph.inputs);
  for (const node of graph.nodes) {
    checkParts(reader, node, owner);
    const taken = new Map<PlanValue, string>();
    const viewed = new Map<PlanValue, string>();
    for (const output of node.outputs) {
      if (output.view === undefined) continue;
      const base = owner.get(output.view)!;
      viewed.set(base, output.name);
      owner.set(output.name, base);
    }
    for (const output of node.outputs) {
      if (output.view !== undefined) continue;
      const donors = output.over === undefined ? [] : [output.over].flat();
      for (const donor of donors) {
        const base = owner.get(donor)!;
        const name = JSON.stringify(output.name);
        if (alignUp(output.bytes) > alignUp(base.bytes))
          reader.add(`${name} (${output.bytes} bytes) cannot be over ${JSON.stringify(donor)} (${base.bytes} bytes)`, {
            node: node.name,
            hint: 'a result may not be larger than the input whose storage it takes over',
          });
        const other = viewed.get(base) ?? (typeof output.over === 'string' ? taken.get(base) : undefined);
        if (other !== undefined)
          reader.add(
            `${name} is over ${JSON.stringify(donor)}, whose storage ${JSON.stringify(other)} shares already`,
            {
              node: node.name,
            },
          );
        if (typeof output.over === 'string') taken.set(base, output.name);
      }
      const written = node.region === 'update' ? donors.map((donor) => owner.get(donor)!) : [];
      const resident = written.find((base) => residents.has(base));
      owner.set(output.name, resident ?? output);
    }
  }
}
