import type { Backend } from '../../engines/engine.ts';
import { input, linear, type Program, program } from '../../graph/index.ts';
import { judge, tellsTop5 } from '../accuracy.ts';
import type { LabelledFeatures } from '../knn/knn.ts';
import type { LinearHead } from './batch-norm.ts';

/** Shares of the rows whose class is the likeliest, or, of more than five classes, among the five likeliest. */
export interface Accuracy {
  readonly top1: number;
  readonly top5?: number;
}

/** Rows whose logits are computed at once. */
const CHUNK = 1024;

/** How well each of some linear heads tells the classes of features. */
export async function linearAccuracy(
  backend: Backend,
  heads: readonly LinearHead[],
  { features, labels }: LabelledFeatures,
): Promise<Accuracy[]> {
  const width = features.length / labels.length;
  const classes = heads[0]!.bias.length;
  const chunk = Math.min(CHUNK, labels.length);
  const predict = logitsProgram(classes, width, chunk);
  const accuracies: Accuracy[] = [];
  const session = await backend.open(headState(heads[0]!));
  try {
    for (const head of heads) {
      await session.write(headState(head));
      let [top1, top5] = [0, 0];
      for (let start = 0; start < labels.length; start += chunk) {
        const from = Math.min(start, labels.length - chunk); // the last chunk overlaps the one before it
        const rows = features.slice(from * width, (from + chunk) * width);
        const { logits } = await session.run(predict, { rows });
        for (let i = start; i < Math.min(start + chunk, labels.length); i++) {
          const row = logits!.subarray((i - from) * classes, (i - from + 1) * classes) as Float32Array;
          const { rank } = judge(row, labels[i]!);
          if (rank < 1) top1++;
          if (rank < 5) top5++;
        }
      }
      accuracies.push({
        top1: top1 / labels.length,
        ...(tellsTop5(classes) && { top5: top5 / labels.length }),
      });
    }
    return accuracies;
  } finally {
    await session.dispose();
  }
}

function headState({ weight, bias }: LinearHead) {
  return { weight, bias };
}

/** rows [B, D] → `logits` [B, K] */
function logitsProgram(classes: number, width: number, batch: number): Program {
  const rows = input('rows', [batch, width]);
  return program('logits', {
    logits: linear(rows, input('weight', [classes, width]), input('bias', [classes])),
  });
}
