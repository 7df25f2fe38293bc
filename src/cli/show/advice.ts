import type { AdviseResult } from '../../advise.ts';
import type { Advised } from '../../config/advice/facts.ts';
import type { Spread, Survey } from '../../data/statistics/survey.ts';
import { oneLine } from '../../text/one-line.ts';
import { plural } from '../../text/plural.ts';
import { roughTime } from '../../text/rough-time.ts';
import { count } from './table.ts';

/** Names of a list that are printed. */
const LISTED = 3;

/** A survey in lines: a label and what was found each. */
export function describeSurvey(survey: Survey): string {
  const { images, read, broken, classes, channels, grey, mean, std, correlationLength } = survey;
  const { duplicates, nearDuplicates, shorterSide, longerSide } = survey;
  const numbers = (values: readonly number[]) => values.map((value) => value.toFixed(3)).join(', ');
  const colours =
    channels === 1
      ? '1: no image shows a colour'
      : `${channels}${channels === 3 && grey > 0 ? `, though ${Math.round(100 * grey)} % of the images show no colour` : ''}`;
  const sampled =
    read + broken.length < images ? `; what follows is of ${count(read)}, chosen at random` : '';
  const rows: [string, string][] = [
    ['images', `${count(images)}${classes ? `, ${plural(classes, 'class', 'classes')}` : ''}${sampled}`],
    [
      'sizes',
      `shorter side ${pixels(shorterSide)}, longer side ${pixels(longerSide)} ${longerSide.most === 1 ? 'pixel' : 'pixels'}`,
    ],
    ['channels', colours],
    ['mean', numbers(mean)],
    ['deviation', numbers(std)],
    [
      'correlation',
      `of two pixels falls to 1/e over ${Number((100 * correlationLength).toPrecision(2))} % of the shorter side`,
    ],
    ['duplicates', groups(duplicates, 'equal')],
    ['alike', groups(nearDuplicates, 'alike')],
    [
      'broken',
      broken.length === 0
        ? 'none'
        : broken
            .slice(0, LISTED)
            .map(([name, reason]) => `${name}: ${reason}`)
            .join('; ') + more(broken.length),
    ],
  ];
  return rows.map(([label, text]) => `${label.padEnd(12)}${oneLine(text)}`).join('\n');
}

function pixels({ least, median, most }: Spread): string {
  return least === most ? `${count(median)}` : `${count(least)} to ${count(most)}, middle ${count(median)}`;
}

function groups(found: readonly (readonly string[])[], how: string): string {
  if (found.length === 0) return 'none';
  const images = found.reduce((sum, { length }) => sum + length, 0);
  const listed = found
    .slice(0, LISTED)
    .map((names) => names.slice(0, LISTED).join(' = ') + more(names.length));
  return `${plural(images, 'image')} in ${plural(found.length, 'group')} of ${how} ones: ${listed.join('; ')}${more(found.length)}`;
}

const more = (length: number) => (length > LISTED ? ` and ${length - LISTED} more` : '');

/** Advised settings in lines, each with its reason and source, then costs and warnings. */
export function describeAdvice({ reasons, notes, updates, seconds, bytes, machine }: AdviseResult): string {
  const lines = grouped(reasons).map((alike) => {
    const [{ reason, source }] = alike as [Advised];
    return `${alike.map(assignment).join(' ')}\n    ${reason} (${source})`;
  });
  const memory = `${Number((bytes / 1e9).toPrecision(2))} GB of ${Math.round(machine.memory / 1e9)}`;
  return [
    ...lines,
    `cost: ${plural(updates, 'update')}, about ${roughTime(seconds)}, ${memory} (${machine.how})`,
    ...notes.map((note) => `note: ${note}`),
  ].join('\n');
}

/** Settings that follow each other with one reason, together. */
function grouped(reasons: readonly Advised[]): Advised[][] {
  const all: Advised[][] = [];
  for (const each of reasons) {
    const last = all.at(-1);
    if (last?.[0] && last[0].reason === each.reason && last[0].source === each.source) last.push(each);
    else all.push([each]);
  }
  return all;
}

const assignment = ({ setting, value }: Advised) =>
  `${setting}=${Array.isArray(value) ? value.join(',') : value}`;
