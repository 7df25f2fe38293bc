import type { Backend } from '../../src/engines/engine.ts';
import { openOneDnnBackend } from '../../src/engines/onednn/backend.ts';
import { openOnnxBackend } from '../../src/engines/onnx/backend.ts';
import { referenceBackend } from '../../src/engines/reference/backend.ts';
import { oneDnnFolder } from './libraries.ts';
import { openCpuXla } from './xla.ts';

/** Engines and the libraries that they need. */
export const engines: readonly (readonly [
  name: string,
  open: () => Promise<Backend>,
  needs: readonly string[],
])[] = [
  ['reference', async () => referenceBackend, []],
  ['onnx', () => openOnnxBackend(), []],
  ['onednn', () => openOneDnnBackend({ folder: oneDnnFolder }), ['onednn']],
  [
    'onednn bf16',
    () => openOneDnnBackend({ precision: 'bf16', folder: oneDnnFolder }),
    ['onednn', 'a CPU with bfloat16'],
  ],
  ['xla', () => openCpuXla(), ['xla']],
];
