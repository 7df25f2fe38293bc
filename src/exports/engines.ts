/** Engines that run programs: their interface, how each is opened, and how its libraries are installed. */
// Types of these signatures
export type { Collective, CollectiveModule, FloatArray } from '../engines/collective.ts';
export type {
  Complete,
  DisposeOptions,
  Engine,
  Parameter,
  Session,
  SessionOptions,
  StepResult,
  StepTime,
  TrainingPlan,
} from '../engines/engine.ts';
export { abortJob } from '../engines/mpi/abort-job.ts';
export type { MpiOptions } from '../engines/mpi/collective.ts';
export { endProcess } from '../engines/mpi/end-process.ts';
export type { World } from '../engines/mpi/launcher.ts';
export { mpiCollective } from '../engines/mpi/place.ts';
export { type OneDnnEngine, type OneDnnOptions, openOneDnnEngine } from '../engines/onednn/engine.ts';
export type { Precision as OneDnnPrecision } from '../engines/onednn/lower.ts';
export { setupOneDnn } from '../engines/onednn/setup.ts';
export { type OnnxEngine, type OnnxOptions, openOnnxEngine } from '../engines/onnx/engine.ts';
export { referenceEngine } from '../engines/reference/engine.ts';
export { SetupError } from '../engines/setup/error.ts';
export { install, type SetupOptions } from '../engines/setup/install.ts';
export type { LibraryName, Wheel } from '../engines/setup/library-sets.ts';
export { type LibrarySet, librarySets } from '../engines/setup/library-sets.ts';
export type { AttentionSetting } from '../engines/xla/attention-choice.ts';
export type { ExaminedPlugin } from '../engines/xla/doctor.ts';
export { examineXla, type XlaReport } from '../engines/xla/doctor.ts';
export { openXlaEngine, type XlaEngine, type XlaOptions } from '../engines/xla/engine.ts';
export { type FoundOptions, openFoundXla } from '../engines/xla/open-found.ts';
export { XlaError } from '../engines/xla/pjrt/error.ts';
export type { PluginPlaces } from '../engines/xla/plugins.ts';
export type { Precision as XlaPrecision } from '../engines/xla/stablehlo/precision.ts';
export { openEngine } from '../run/open-engine.ts';
export type { Environment } from '../run/world.ts';
export { launchedWorld } from '../run/world.ts';
