import type { Engine, Session } from '../../engines/engine.ts';
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
  engine: Engine,
  heads: readonly LinearHead[],
  judged: LabelledFeatures,
): Promise<Accuracy[]> {
  const [accuracies] = await linearAccuracies(engine, [{ heads, judged }]);
  return accuracies!;
}

/** The same of several sets, each before heads of its own; all heads are of one size. */
export async function linearAccuracies(
  engine: Engine,
  sets: readonly { readonly heads: readonly LinearHead[]; readonly judged: LabelledFeatures }[],
): Promise<Accuracy[][]> {
  const first = sets[0]!.heads[0]!;
  const classes = first.bias.length;
  const width = first.weight.length / classes;
  const programs = new Map<number, Program>();
  const session = await engine.open(headState(first));
  try {
    const accuracies: Accuracy[][] = [];
    for (const { heads, judged } of sets) {
      const chunk = Math.min(CHUNK, judged.labels.length);
      const predict = programs.get(chunk) ?? logitsProgram(classes, width, chunk);
      programs.set(chunk, predict);
      const own: Accuracy[] = [];
      for (const head of heads) {
        await session.write(headState(head));
        own.push(await accuracyOf(session, predict, judged, { chunk, classes }));
      }
      accuracies.push(own);
    }
    return accuracies;
  } finally {
    await session.dispose();
  }
}

/** That of the head that a session holds. */
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
      const { rank } = judge(row, labels[i]!);
      if (rank < 1) top1++;
      if (rank < 5) top5++;
    }
  }
  return { top1: top1 / labels.length, ...(tellsTop5(classes) && { top5: top5 / labels.length }) };
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
