/** Nodes of another graph (a function, a branch, the body of a loop) written out in the place of a node that stands for it. */
import { create } from '@bufbuild/protobuf';
import { type AttributeProto, type NodeProto, NodeProtoSchema } from 'onnx-buf';
import { rewritten } from './subgraphs.ts';

export interface WrittenBody {
  /** Of the node it is written out for; names of inner values begin with it. */
  readonly label: string;
  readonly nodes: readonly NodeProto[];
  /** Names outside of the body's inputs and initializers; `''` for one that is left out. */
  readonly given: ReadonlyMap<string, string>;
  /** The body's outputs and the names they get outside; `''` for one that nothing reads. */
  readonly results: readonly (readonly [inner: string, outer: string])[];
  /** Makes a name unique. */
  fresh(hint: string): string;
  /** Whether names that the body does not make are those of the graph around it; else they are inner ones. */
  readonly captures: boolean;
  bind(attribute: AttributeProto): readonly AttributeProto[];
}

/** The nodes under their outer names; an `Identity` for each result that no node of the body makes, or not first. */
export function writtenOut(body: WrittenBody): readonly NodeProto[] {
  const { label, fresh, captures, bind } = body;
  const names = new Map(body.given);
  const made = new Set(body.nodes.flatMap((node) => node.output));
  const passed: (readonly [string, string])[] = [];
  for (const [inner, outer] of body.results) {
    if (outer === '') continue;
    if (names.has(inner) || (captures && !made.has(inner))) passed.push([inner, outer]);
    else names.set(inner, outer);
  }
  const rename = (name: string): string => {
    const known = names.get(name);
    if (known !== undefined) return known;
    const given = captures && !made.has(name) ? name : fresh(`${label}/${name}`);
    names.set(name, given);
    return given;
  };
  const nodes = body.nodes.map(({ name, opType, domain, overload, ...node }) =>
    create(NodeProtoSchema, {
      name: `${label}/${name === '' ? opType : name}`,
      ...{ opType, domain, overload },
      ...rewritten({ name, opType, domain, overload, ...node }, { rename, bind }),
    }),
  );
  const identities = passed.map(([inner, outer]) =>
    create(NodeProtoSchema, { name: outer, opType: 'Identity', input: [rename(inner)], output: [outer] }),
  );
  return [...nodes, ...identities];
}
