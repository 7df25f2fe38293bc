const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** An estimated time with two digits: `<1 min`, `40 min`, `3 h`, `25 d`, `105 y`. */
export function roughTime(seconds: number): string {
  const rounded = (value: number) => Number(Number(value.toPrecision(2))).toLocaleString('en-US');
  if (!(seconds >= 0.5 * MINUTE)) return '<1 min';
  if (seconds < 1.5 * HOUR) return `${rounded(Math.round(seconds / MINUTE))} min`;
  if (seconds < 2 * DAY) return `${rounded(Math.round(seconds / HOUR))} h`;
  if (seconds < 2 * YEAR) return `${rounded(Math.round(seconds / DAY))} d`;
  return `${rounded(Math.round(seconds / YEAR))} y`;
}
