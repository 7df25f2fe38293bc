import type { ImageInputs, LearnJob } from '../detect/learn.ts';
import { JobThreads } from '../io/job-threads.ts';
import { workerScript } from '../io/worker-script.ts';

const threads = new JobThreads<LearnJob, ImageInputs>(
  workerScript(import.meta.url, 'boxes-worker'),
  (reason) => new Error(`a thread that chooses boxes has ended: ${reason}`),
);

/** `inputsOf` on the thread that has least to do. Rejects when the thread dies. */
export const inputsOnThread = (job: LearnJob): Promise<ImageInputs> => threads.run(job);
