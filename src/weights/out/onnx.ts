import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { exportGraph, exportVersion } from '../../engines/onnx/export.ts';
import { encodeModel, type OnnxGraph } from '../../engines/onnx/proto.ts';
import { input, type Program, program, type Values } from '../../graph/index.ts';
import { writeFileAtomic } from '../../io/atomic.ts';
import { classify, features } from '../../models/classifier.ts';
import { encodeTokens } from '../../models/encoder.ts';
import { norm } from '../../nn/block.ts';
import { weightInputs } from '../../programs/pretrain.ts';
import { type Model, modelParameters } from '../model.ts';
import { detectorConfigFile, detectorOnnx, detectorUsage } from './detector-onnx.ts';
import { block, type Format, json } from './format.ts';
import { huggingFaceConfig } from './huggingface-config.ts';
import { featuresOf, type Part } from './part.ts';
import { preprocessorConfig, preprocessorNotes } from './preprocessor.ts';
import { segmenterConfigFile, segmenterNotes, segmenterProgram, segmenterUsage } from './segmenter-onnx.ts';

/** A model file is limited to 2 GiB by its encoding. Larger weights go to a second file. */
const LARGEST = 2_000_000_000;
const EXTERNAL = 'model.onnx_data';
/** Smaller constants stay in the model, because runtimes read shapes before they open other files. */
const SMALLEST = 1024;

/**
 * A folder for onnxruntime: `onnx/model.onnx`, and Hugging Face's configuration files, for transformers.js. Segmenters and detectors have
 * their own `config.json`.
 */
export const onnx: Format = {
  parts: ['features', 'classifier', 'segmenter', 'detector'],
  async write(model, part, folder) {
    await mkdir(join(folder, 'onnx'));
    const large = await writeOnnx(join(folder, 'onnx'), onnxGraph(model, part));
    if (part === 'segmenter') {
      await writeFileAtomic(join(folder, 'config.json'), json(segmenterConfigFile(model)));
      return { library: 'onnx', usage: segmenterUsage(model), notes: segmenterNotes(model) };
    }
    if (part === 'detector') {
      await writeFileAtomic(join(folder, 'config.json'), json(detectorConfigFile(model)));
      return { library: 'onnx', usage: detectorUsage(model), notes: [] };
    }
    const config = {
      ...huggingFaceConfig(model, part),
      'transformers.js_config': { dtype: 'fp32', ...(large && { use_external_data_format: true }) },
    };
    await writeFileAtomic(join(folder, 'config.json'), json(config));
    await writeFileAtomic(join(folder, 'preprocessor_config.json'), json(preprocessorConfig(model)));
    return {
      library: 'transformers.js',
      usage: usage(model, part),
      notes: [
        '`config.json` is there for transformers.js: PyTorch cannot load this folder.',
        ...preprocessorNotes(model),
      ],
    };
  },
};

/**
 * The exported program for a batch size: `pixel_values` f32 [B, C, H, W], normalised → `logits` [B, classes], or
 * `last_hidden_state` [B, N, D] (a class token comes first) and `pooler_output` [B, D], the input of a head. For that of a segmenter see
 * `segmenterProgram`; a detector is no single program, see `detectorGraph`.
 */
export function exportProgram(model: Model, part: Part, batch: number): Program {
  if (part === 'segmenter') return segmenterProgram(model, batch);
  const weights = weightInputs(modelParameters(model));
  const image = input('pixel_values', [batch, model.encoder.channels, ...model.encoder.image]);
  if (part === 'classifier')
    return program('classifier', { logits: classify(model.classifier!, weights, image) });
  const config = featuresOf(model);
  const tokens = encodeTokens(config, weights, image);
  return program('features', {
    last_hidden_state: config.fcNorm ? tokens : norm(tokens, weights, 'norm', config.epsilon),
    pooler_output: features(config, weights, image),
  });
}

function onnxGraph(model: Model, part: Part): OnnxGraph {
  if (part === 'detector') return detectorOnnx(model);
  return exportGraph((batch) => exportProgram(model, part, batch), model.weights as Values);
}

/**
 * Writes `model.onnx` and, if the weights exceed `largest` bytes, `model.onnx_data`. Returns true if it wrote both.
 */
export async function writeOnnx(folder: string, graph: OnnxGraph, largest = LARGEST): Promise<boolean> {
  const tensors = graph.initializers.filter(({ rawData }) => rawData.length >= SMALLEST);
  const total = tensors.reduce((sum, { rawData }) => sum + rawData.length, 0);
  const path = join(folder, 'model.onnx');
  if (total <= largest) {
    await writeFileAtomic(path, encodeModel(graph, exportVersion));
    return false;
  }
  let offset = 0;
  const offsets = new Map<object, number>();
  for (const tensor of tensors) {
    offsets.set(tensor, offset);
    offset += tensor.rawData.length;
  }
  await writeFileAtomic(
    join(folder, EXTERNAL),
    tensors.map(({ rawData }) => rawData),
  );
  const external = (tensor: object) => {
    const offset = offsets.get(tensor);
    return offset === undefined ? undefined : { location: EXTERNAL, offset };
  };
  await writeFileAtomic(path, encodeModel(graph, { ...exportVersion, external }));
  return true;
}

function usage(model: Model, part: Part): string {
  const { channels, image } = model.encoder;
  const [output, shape] =
    part === 'classifier' ? ['logits', '[batch, classes]'] : ['pooler_output', '[batch, width]'];
  const pipeline = part === 'classifier' ? 'image-classification' : 'image-feature-extraction';
  const options = part === 'classifier' ? '' : ', { pool: true }';
  return [
    `\`onnx/model.onnx\` takes \`pixel_values\`, float32 [batch, ${channels}, ${image.join(', ')}], normalised, of any number of images.`,
    'Python:',
    block('python', [
      'import onnxruntime',
      '',
      "session = onnxruntime.InferenceSession('PATH/onnx/model.onnx')",
      `[${part === 'classifier' ? output : 'features'}] = session.run(['${output}'], {'pixel_values': pixel_values})  # ${shape}`,
    ]),
    'JavaScript:',
    block('js', [
      "import { env, pipeline } from '@huggingface/transformers';",
      '',
      "env.localModelPath = ''; // paths of folders, not names on the Hub",
      'env.allowRemoteModels = false;',
      `const run = await pipeline('${pipeline}', 'PATH');`,
      `console.log(await run('image.jpg'${options}));`,
    ]),
  ].join('\n\n');
}
