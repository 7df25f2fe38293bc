import { randomUUID } from 'node:crypto';
import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Engine } from '../../engines/engine.ts';
import { openOnnxEngine } from '../../engines/onnx/engine.ts';
import { writeFileAtomic } from '../../io/atomic.ts';
import { makeFolder } from '../../io/make-folder.ts';
import { renamePatiently } from '../../io/rename.ts';
import { requireOutputFolder } from '../../run/output.ts';
import { suggestion } from '../../text/nearest.ts';
import type { ForeignOptions } from '../in/foreign.ts';
import { openModel } from '../model.ts';
import { modelCard } from './card.ts';
import type { Format } from './format.ts';
import { huggingFace } from './huggingface.ts';
import { onnx } from './onnx.ts';
import { defaultPart, ExportError, type Part, requirePart } from './part.ts';
import { timm } from './timm.ts';
import { trainingRecord } from './training-record.ts';
import { verifyDetector } from './verify-detector.ts';
import { type OnnxCheck, verifyOnnx } from './verify-onnx.ts';

const formats: Readonly<Record<ExportFormat, Format>> = { timm, huggingface: huggingFace, onnx };

export type ExportFormat = 'timm' | 'huggingface' | 'onnx';
export const exportFormats = Object.keys(formats) as readonly ExportFormat[];

export interface ExportOptions extends ForeignOptions {
  readonly format: ExportFormat;
  /** Folder to write; must be new or empty. */
  readonly output: string;
  /** Part of the model to export. Default: the classifier if the file has a head, else the features. */
  readonly part?: Part | undefined;
  /** Engine that computes the reference for an ONNX file. Default: the onnx engine. */
  readonly engine?: Engine | undefined;
  /** Called at the start of each stage with the number of finished stages. */
  readonly onProgress?: ((what: string, done: number, total: number) => void) | undefined;
  /** Stops between stages: throws its reason and leaves no files. */
  readonly signal?: AbortSignal | undefined;
}

export interface ExportResult {
  readonly folder: string;
  readonly part: Part;
  /** Paths in the folder, with sizes. */
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  /** Notes for the user about the files, one sentence each. */
  readonly notes: readonly string[];
  /** Comparison of the ONNX file with the model. */
  readonly check?: OnnxCheck;
}

/**
 * Exports a model for other software, with a model card: for timm (PyTorch), for Hugging Face's `transformers`, or as
 * ONNX (onnxruntime, transformers.js; compared with the model). The folder appears only when it is complete.
 * @param path anything that `openModel` opens
 * @throws ExportError if the format does not support the model, if the folder is not empty, or if the ONNX file's
 *   outputs differ from the model's; the errors of `openModel`; the system's error
 */
export async function exportModel(path: string, options: ExportOptions): Promise<ExportResult> {
  const stages = options.format === 'onnx' ? 3 : 2;
  const stage = (what: string, done: number) => {
    options.signal?.throwIfAborted();
    options.onProgress?.(what, done, stages);
  };
  const output = resolve(options.output);
  const format = formats[requireFormat(options.format)];
  await requireOutputFolder(options.output);
  await requireFree(output, options.output);
  stage('reading the weights', 0);
  const model = await openModel(path, options);
  const part = options.part ?? defaultPart(model);
  requirePart(model, part, options.format, format.parts);
  const folder = join(dirname(output), `.${basename(output)}.${randomUUID()}.tmp`);
  await makeFolder(folder);
  try {
    stage('writing', 1);
    const written = await format.write(model, part, folder);
    let check: OnnxCheck | undefined;
    if (options.format === 'onnx') {
      const engine = options.engine ?? (await openOnnxEngine());
      stage('comparing with the model', 2);
      check =
        part === 'detector'
          ? await verifyDetector(model, folder, engine)
          : await verifyOnnx(model, part, folder, engine);
    }
    const record = await trainingRecord(model);
    const checks = check ? [describe(check)] : [];
    const card = modelCard(model, { format: options.format, part, written, record, checks });
    await writeFileAtomic(join(folder, 'README.md'), card);
    const files = await filesOf(folder);
    options.signal?.throwIfAborted();
    await rmdir(output).catch(() => {}); // an empty folder; rename cannot replace one on Windows
    await renamePatiently(folder, output);
    return { folder: output, part, files, notes: written.notes, ...(check && { check }) };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    const { path: named } = error as NodeJS.ErrnoException;
    if (named?.startsWith(folder))
      Object.assign(error as Error, { path: `${options.output}${named.slice(folder.length)}` });
    throw error;
  }
}

/** A sentence about the comparison. */
function describe({ batches, difference, runtime, engine, objects }: OnnxCheck): string {
  if (objects)
    return `\`onnx/model.onnx\` was run on pictures of noise by ${runtime}: ${objects.count - objects.others} of its ${objects.count} objects are the model's (${engine}); their scores, and their boxes relative to the longer side, differ by ${difference.toExponential(1)} at most.`;
  return `\`onnx/model.onnx\` was run on noise by ${runtime}, batches of ${batches.join(' and ')}: its outputs differ from the model's (${engine}) by ${difference.toExponential(1)} of the largest value at most.`;
}

function requireFormat(format: string): ExportFormat {
  if (Object.hasOwn(formats, format)) return format as ExportFormat;
  throw new ExportError(
    `a format must be one of ${exportFormats.join(', ')}, got "${format}"${suggestion(format, exportFormats)}`,
  );
}

async function requireFree(output: string, named: string): Promise<void> {
  const entries = await readdir(output).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (entries.length === 0) return;
  throw new ExportError(
    `an export needs a new or empty folder, got ${named} with ${entries.slice(0, 3).join(', ')} in it: choose another with --output`,
  );
}

async function filesOf(folder: string): Promise<ExportResult['files']> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = names.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const files = await Promise.all(
    paths.map(async (path) => ({ path: path.slice(folder.length + 1), bytes: (await stat(path)).size })),
  );
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}
