import { expect } from 'vitest';

type RunEvent = { readonly type: string; readonly row?: { readonly step: number } };

interface StopOptions {
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
}

/**
 * Trains until `step`, then stops: by the signal, or by an error that comes before anything is saved.
 * @param train starts the run with these options
 */
export async function stopAt(
  step: number,
  how: 'signal' | 'error',
  train: (options: StopOptions) => Promise<{ readonly outcome: string }>,
): Promise<void> {
  const controller = new AbortController();
  const onEvent = ({ type, row }: RunEvent) => {
    const now = type === 'start' ? 0 : type === 'step' ? row!.step : undefined;
    if (now !== step) return;
    if (how === 'error') throw new Error('pulled the plug');
    controller.abort();
  };
  const run = train({ onEvent, signal: controller.signal });
  if (how === 'error') await expect(run).rejects.toThrow('pulled the plug');
  else expect((await run).outcome).toBe('interrupted');
}
