/**
 * onnxruntime-web, where it is installed: as a package of this project, or at the module that the environment variable
 * SUBLINEAR_ORT names.
 */
import type { Tensor } from '../../../src/ir/graph.ts';

type OrtData = Float32Array | BigInt64Array | Int32Array | Uint8Array;

interface OrtTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: ArrayLike<number | bigint>;
}

interface OrtSession {
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}

/** The part of the package's interface that is used here. */
interface OrtModule {
  readonly env: { logLevel?: string; readonly wasm: { numThreads?: number } };
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<OrtSession>;
  };
  readonly Tensor: new (type: string, data: OrtData, dims: readonly number[]) => OrtTensor;
}

export interface Ort {
  /** Every output by name. Rejects where the runtime refuses the model. */
  run(bytes: Uint8Array, inputs: ReadonlyMap<string, Tensor>): Promise<ReadonlyMap<string, Tensor>>;
}

/** Undefined, with a printed reason, where the package is not there. Rejects where a module was named and does not load. */
export async function loadOrt(): Promise<Ort | undefined> {
  const named = process.env.SUBLINEAR_ORT;
  const specifier: string = named ?? 'onnxruntime-web';
  let module: unknown;
  try {
    module = await import(/* @vite-ignore */ specifier);
  } catch (error) {
    if (named !== undefined) throw error;
    console.info('skipped: onnxruntime-web is not installed; SUBLINEAR_ORT may name its module');
    return undefined;
  }
  if (!isOrt(module)) throw new Error(`${specifier} is not onnxruntime-web`);
  const ort = module;
  ort.env.logLevel = 'fatal';
  ort.env.wasm.numThreads = 1;
  return {
    async run(bytes, inputs) {
      const options = { executionProviders: ['wasm'], graphOptimizationLevel: 'disabled', logSeverityLevel: 4 };
      const session = await ort.InferenceSession.create(bytes, options);
      try {
        const feeds = Object.fromEntries([...inputs].map(([name, tensor]) => [name, toOrt(ort, tensor)]));
        const results = await session.run(feeds);
        return new Map(Object.entries(results).map(([name, tensor]) => [name, fromOrt(tensor)]));
      } finally {
        await session.release();
      }
    },
  };
}

function isOrt(module: unknown): module is OrtModule {
  return typeof module === 'object' && module !== null && 'InferenceSession' in module && 'Tensor' in module;
}

function toOrt(ort: OrtModule, { type, data }: Tensor): OrtTensor {
  const { dtype, shape } = type;
  switch (dtype) {
    case 'f32':
      return new ort.Tensor('float32', Float32Array.from(data), shape);
    case 'i64':
      return new ort.Tensor('int64', BigInt64Array.from(Array.from(data, BigInt)), shape);
    case 'i32':
      return new ort.Tensor('int32', Int32Array.from(data), shape);
    case 'bool':
      return new ort.Tensor('bool', Uint8Array.from(data), shape);
    default:
      throw new Error(`no tensor of ${dtype}`);
  }
}

const dtypes: Readonly<Record<string, Tensor['type']['dtype']>> = {
  float32: 'f32',
  int64: 'i64',
  int32: 'i32',
  bool: 'bool',
};

function fromOrt({ type, dims, data }: OrtTensor): Tensor {
  const dtype = dtypes[type];
  if (dtype === undefined) throw new Error(`no tensor of ${type}`);
  return { type: { dtype, shape: [...dims] }, data: Array.from(data, Number) };
}
