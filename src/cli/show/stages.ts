import { duration } from './table.ts';

/** Times the stages of some work, and estimates the time left for the current one. */
export class Stages {
  #what = '';
  #started = 0;
  /** Share of the stage that was done when it began: found on the disk, for example. */
  #first = 0;

  /** The time that is left of a stage, for the end of a line; empty before it can be known. */
  left(what: string, done: number, total: number): string {
    if (what !== this.#what) [this.#what, this.#started, this.#first] = [what, performance.now(), done];
    const seconds = (performance.now() - this.#started) / 1000;
    if (done <= this.#first) return '';
    return `  ${duration(((total - done) * seconds) / (done - this.#first))} left`;
  }
}
