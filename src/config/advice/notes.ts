import { plural } from '../../text/plural.ts';
import { roughTime } from '../../text/rough-time.ts';
import type { Config } from '../schema.ts';
import type { AdviceOptions, ImageFacts, MachineFacts } from './facts.ts';
import { FEW, SHARE, secondsPerImage } from './schedule.ts';

/** Images below which published weights help more than a training of these images alone. */
const FEW_IMAGES = 5_000;

interface Chosen {
  readonly facts: ImageFacts;
  readonly machine: MachineFacts;
  readonly updates: number;
  readonly seconds: number;
  readonly train: number;
  /** Of a step, per image. */
  readonly flops: number;
  readonly options: AdviceOptions;
  readonly config: Config;
}

/** Warnings about settings, each with a remedy. */
export function notesFor({
  facts,
  machine,
  updates,
  seconds,
  train,
  flops,
  options,
  config,
}: Chosen): string[] {
  const notes: string[] = [];
  if (updates < FEW) {
    const wanted = roughTime((seconds * FEW) / Math.max(1, updates) / SHARE);
    const { maxSteps } = config.training;
    const remedy =
      updates === maxSteps
        ? `Leave out training.maxSteps=${maxSteps}, or raise it`
        : `That takes about ${wanted} here (--budget), or a faster engine (\`doctor\`)`;
    notes.push(
      `too few updates to learn much: ${plural(updates, 'update')}, and ${FEW.toLocaleString('en-US')} or more are wanted. ${remedy}`,
    );
  }
  if (seconds > options.seconds) {
    const fitting = Math.floor((SHARE * options.seconds) / secondsPerImage(flops, facts, machine));
    notes.push(
      `one pass over ${plural(train, 'image')} takes longer than the time given: ` +
        `--set data.trainImages=${Math.max(1, fitting)} passes over as many as fit`,
    );
  }
  if (facts.readSeconds > flops / machine.flops && facts.side > 2 * config.model.image[0]) {
    const [height, width] = config.model.image;
    notes.push(
      `reading these large images takes longer than learning from them: shrink them once with ` +
        `\`data pack SOURCE --output FOLDER --resize ${2 * Math.max(height, width)}\`, and train on packed:FOLDER`,
    );
  }
  if (facts.images < FEW_IMAGES && !options.start)
    notes.push(
      `${plural(facts.images, 'image is', 'images are')} few to learn from. For photographs, continue from weights: ` +
        '--init-from micro-cifar10, which this package has, or the published ones of MAE, ' +
        '--init-from mae_visualize_vit_base.pth (docs/advise.md says where they are, and what to expect)',
    );
  if (options.start && !options.start.model.decoder)
    notes.push(
      `${options.start.path} holds no decoder: a new one starts with random weights, and what it learns first disturbs the encoder. ` +
        'Take a file with its decoder, such as mae_visualize_vit_base.pth',
    );
  return notes;
}
