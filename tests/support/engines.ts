import type { Engine } from '../../src/engines/engine.ts';
import { openOneDnnEngine } from '../../src/engines/onednn/engine.ts';
import { openOnnxEngine } from '../../src/engines/onnx/engine.ts';
import { referenceEngine } from '../../src/engines/reference/engine.ts';
import { oneDnnFolder } from './libraries.ts';
import { openCpuXla } from './xla.ts';

/** Engines and the libraries that they need. */
export const engines: readonly (readonly [
  name: string,
  open: () => Promise<Engine>,
  needs: readonly string[],
])[] = [
  ['reference', async () => referenceEngine, []],
  ['onnx', () => openOnnxEngine(), []],
  ['onednn', () => openOneDnnEngine({ folder: oneDnnFolder }), ['onednn']],
  [
    'onednn bf16',
    () => openOneDnnEngine({ precision: 'bf16', folder: oneDnnFolder }),
    ['onednn', 'a CPU with bfloat16'],
  ],
  ['xla', () => openCpuXla(), ['xla']],
];
