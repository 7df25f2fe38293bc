import { type ConfigInput, parseConfig } from '../config/schema.ts';
import type { Engine } from '../engines/engine.ts';
import { openEngine as openSettings } from './engine.ts';

/**
 * Opens an engine by some of the settings `engine`: without any, the one that `auto` takes, the fastest that is found here.
 *
 * ```ts
 * const engine = await openEngine(); // or openEngine({ name: 'onnx', threads: 2 })
 * ```
 * Throws ConfigError for wrong settings, and the engine's error where it is named and cannot be opened.
 */
export function openEngine(settings: ConfigInput['engine'] = {}): Promise<Engine> {
  return openSettings(parseConfig({ engine: settings }).engine);
}
