import { parentPort } from 'node:worker_threads';
import type { Message } from '../host/requests.ts';
import { EngineHost } from './engine-host.ts';
import type { Requests } from './messages.ts';
import { ProfileFolder } from './profile.ts';
import { loadRuntime } from './runtime.ts';
import { server } from './serve.ts';

// onnxruntime-node's `run` blocks its thread, so the engine has a thread to itself.
const serve = server(new EngineHost({ load: loadRuntime, profiles: new ProfileFolder() }));

parentPort!.on('message', async (message: Message<Requests>) => {
  const { answer, moved } = await serve(message);
  parentPort!.postMessage(answer, moved);
});
