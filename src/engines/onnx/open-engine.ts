import type { Values } from '../../graph/tensor.ts';
import type { Session, SessionOptions } from '../engine.ts';
import type { EngineClient } from '../host/requests.ts';
import type { Requests } from './messages.ts';
import { OnnxSession } from './session.ts';

/** Starts the engine of a client. The first session runs on this engine; each further session starts another. */
export async function openEngine(
  makeClient: () => EngineClient<Requests>,
  settings: Requests['start']['take'],
): Promise<{
  readonly about: Requests['start']['give'];
  open(state: Values, options?: SessionOptions): Promise<Session>;
}> {
  const start = async (client: EngineClient<Requests>) =>
    stopOnError(client, () => client.request('start', settings));
  const first = makeClient();
  const about = await start(first);
  let spare: EngineClient<Requests> | undefined = first;
  return {
    about,
    async open(state, { collective } = {}) {
      const client = spare ?? makeClient();
      if (!spare) await start(client);
      spare = undefined;
      const session = new OnnxSession(client);
      await stopOnError(client, async () => {
        await session.add(state);
        if (collective) await session.join(collective);
      });
      return session;
    },
  };
}

/** Stops the client if `work` fails, so that no thread is left behind. */
async function stopOnError<T>(client: EngineClient<Requests>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await client.stop();
    throw error;
  }
}
