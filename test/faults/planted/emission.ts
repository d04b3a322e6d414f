/** Faults in emission and plan files. */
import { inFile, type PlantedFault } from './planted.ts';

const differential = 'differential';

export const emissionFaults: readonly PlantedFault[] = [
  ...inFile(
    'emission',
    'src/codegen/emit/initial-values.ts',
    ['codegen/emit/initial-values', 'codegen/emit/emit-typescript'],
    [
      [
        'constants have seven digits',
        'for (let digits = 1; digits < 17; digits++) {',
        'for (let digits = 7; digits < 17; digits++) {\n    if (digits === 7) return printNumber(Number(value.toPrecision(7)));',
      ],
      ['-0 is filled as 0', "if (Object.is(first, 0)) return '';", "if (first === 0) return '';"],
    ],
  ),
  ...inFile(
    'emission',
    'src/codegen/emit/kernel-calls.ts',
    ['codegen/emit/emit-typescript', 'codegen/emit/emitted-runs', 'codegen/emit/initial-values'],
    [
      ['lists of one length are one list', 'const key = text.join();', 'const key = String(text.length);'],
      ['an attribute of -0 is printed as 0', "if (Object.is(value, -0)) return '-0';\n", ''],
    ],
  ),
  ...inFile(
    'emission',
    'src/codegen/emit/create-step.ts',
    ['codegen/emit/emit-typescript', 'codegen/emit/emitted-runs'],
    [
      ['random numbers are the same at every step', 'stepNumber++;`', 'stepNumber;`'],
      ['an input is not copied', 'key}, inputs.$', 'key}, given.$'],
    ],
  ),
  ...inFile(
    'emission',
    'src/codegen/emit/quote.ts',
    ['codegen/emit/quote', 'codegen/emit/emit-typescript'],
    [['a name ends a comment', "onOneLine(text).replaceAll('*/', '*\\\\/')", 'onOneLine(text)']],
  ),
  ...inFile(
    'emission',
    'src/codegen/emit/stages.ts',
    ['codegen/emit/stages', 'codegen/emit/emitted-runs'],
    [
      [
        'calls of long sections are lost',
        'if (line.call !== undefined) count++;\n    parts.at(-1)!.push(line);',
        'if (line.call !== undefined) count++;\n    if (count < wanted || parts.length > 1) parts.at(-1)!.push(line);',
      ],
    ],
  ),
  ...inFile(
    'emission',
    'src/codegen/plan-file.ts',
    ['cli/compile', differential, 'cli/plan'],
    [['a plan of another graph is taken', 'if (file.graphHash !== hash)', 'if (file.graphHash === "")']],
  ),
];
