/** sublinear: the public API. */

export { type OptimizerOptions, optimizers } from '../passes/optimizers.ts';
export { createMachine, type Machine } from '../runtime/interpreter.ts';
export type { Program } from '../runtime/program.ts';
export { parsePlanGraph } from './analysis/check-plan-graph.ts';
export { type ExplainedValue, type Explanation, explainPlan } from './analysis/explain-plan.ts';
export { indexPlanGraph, type PlanGraph, type PlanIndex } from './analysis/plan-graph.ts';
export { type Compiled, type CompileOptions, compile, type Figures } from './compile.ts';
export { createExecution, type Execution, type ExecutionOptions } from './execution.ts';
export { type BuiltModel, type ConvOptions, ModelBuilder, type PoolOptions } from './frontend/builder/model-builder.ts';
export { attachLoss, type LossKind, type LossSpec } from './frontend/loss.ts';
export { type ImportedModel, type ImportOptions, importOnnx } from './frontend/onnx/import.ts';
export { type SavedOnnx, saveOnnx } from './frontend/onnx/save.ts';
export { type Gradients, type GradientsOptions, gradients } from './gradients.ts';
export { toDot } from './inspect/dot.ts';
export { explainCompiled } from './inspect/explain-compiled.ts';
export { type Diagnostic, SublinearError } from './ir/diagnostic.ts';
export type { DType, Graph, Model, Node, Tensor, TensorType, Value } from './ir/graph.ts';
export { fromGraphlib, toGraphlib } from './ir/graphlib.ts';
export { parseGraph } from './ir/parse.ts';
export { printGraph } from './ir/print.ts';
export { arrayBatches, type BatchSource } from './training/batches.ts';
export { type CheckpointOptions, checkpoint, type TrainingStep } from './training/checkpoint.ts';
export type { InputData, InputRecord } from './training/give-inputs.ts';
