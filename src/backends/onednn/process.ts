import { Engine } from './engine.ts';
import type { Request } from './messages.ts';

// oneDNN computes on the thread that calls it; this process has nothing else to do.
const engine = new Engine();

process.on('message', async ({ id, request }: { id: number; request: Request }) => {
  try {
    const handle = engine[request.kind].bind(engine) as (take: Request['take']) => Promise<unknown>;
    process.send!({ id, value: await handle(request.take) });
  } catch (error) {
    process.send!({ id, error: error instanceof Error ? error.message : String(error) });
  }
});
// Ctrl-C reaches every process of a terminal: the one that asks for work decides when it ends.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit());
