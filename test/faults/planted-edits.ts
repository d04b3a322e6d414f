/** All planted faults that are edits of the sources; those planted into objects are in `test/planted-faults.test.ts`. */

import { analysisFaults } from './planted/analysis.ts';
import { emissionFaults } from './planted/emission.ts';
import { fileFaults } from './planted/files.ts';
import { importerFaults } from './planted/importer.ts';
import { moduleKernelFaults } from './planted/module-kernels.ts';
import { opFaults } from './planted/ops.ts';
import { optimizerFaults } from './planted/optimizers.ts';
import { placingFaults } from './planted/placing.ts';
import { plainKernelFaults } from './planted/plain-kernels.ts';
import { planningFaults } from './planted/planning.ts';
import type { PlantedFault } from './planted/planted.ts';
import { rewriteFaults } from './planted/rewrites.ts';
import { runningFaults } from './planted/running.ts';
import { threadFaults } from './planted/threads.ts';

export const plantedEdits: readonly PlantedFault[] = [
  ...plainKernelFaults,
  ...threadFaults,
  ...opFaults,
  ...rewriteFaults,
  ...planningFaults,
  ...analysisFaults,
  ...placingFaults,
  ...emissionFaults,
  ...optimizerFaults,
  ...importerFaults,
  ...fileFaults,
  ...runningFaults,
  // The module is built anew for each: these come last.
  ...moduleKernelFaults,
];
