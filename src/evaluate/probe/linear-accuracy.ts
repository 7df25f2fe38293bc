import type { Engine, Session } from '../../engines/engine.ts';
import { input, linear, type Program, program } from '../../graph/index.ts';
import { hasTop5, rankAndLoss } from '../accuracy.ts';
import type { LabelledFeatures } from '../knn/knn.ts';
import type { LinearHead } from './batch-norm.ts';

/** Top-1 and, with more than five classes, top-5 accuracy. */
export interface Accuracy {
  readonly top1: number;
  readonly top5?: number;
}

/** Number of rows per run. */
const CHUNK = 1024;

/** The accuracy of each of several linear heads. */
export async function linearAccuracy(
  engine: Engine,
  heads: readonly LinearHead[],
  tested: LabelledFeatures,
): Promise<Accuracy[]> {
  const [accuracies] = await linearAccuracies(engine, [{ heads, tested }]);
  return accuracies!;
}

/** The accuracy of several heads on each of several sets. All heads have the same size. */
export async function linearAccuracies(
  engine: Engine,
  sets: readonly { readonly heads: readonly LinearHead[]; readonly tested: LabelledFeatures }[],
): Promise<Accuracy[][]> {
  const first = sets[0]!.heads[0]!;
  const classes = first.bias.length;
  const width = first.weight.length / classes;
  const programs = new Map<number, Program>();
  const session = await engine.open(headState(first));
  try {
    const accuracies: Accuracy[][] = [];
    for (const { heads, tested } of sets) {
      const chunk = Math.min(CHUNK, tested.labels.length);
      const predict = programs.get(chunk) ?? logitsProgram(classes, width, chunk);
      programs.set(chunk, predict);
      const own: Accuracy[] = [];
      for (const head of heads) {
        await session.write(headState(head));
        own.push(await accuracyOf(session, predict, tested, { chunk, classes }));
      }
      accuracies.push(own);
    }
    return accuracies;
  } finally {
    await session.dispose();
  }
}

/** The accuracy of the head in a session. */
async function accuracyOf(
  session: Session,
  predict: Program,
  { features, labels }: LabelledFeatures,
  { chunk, classes }: { readonly chunk: number; readonly classes: number },
): Promise<Accuracy> {
  const width = features.length / labels.length;
  let [top1, top5] = [0, 0];
  for (let start = 0; start < labels.length; start += chunk) {
    const from = Math.min(start, labels.length - chunk); // the last chunk overlaps the one before it
    const rows = features.slice(from * width, (from + chunk) * width);
    const { logits } = await session.run(predict, { rows });
    for (let i = start; i < Math.min(start + chunk, labels.length); i++) {
      const row = logits!.subarray((i - from) * classes, (i - from + 1) * classes) as Float32Array;
      const { rank } = rankAndLoss(row, labels[i]!);
      if (rank < 1) top1++;
      if (rank < 5) top5++;
    }
  }
  return { top1: top1 / labels.length, ...(hasTop5(classes) && { top5: top5 / labels.length }) };
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
