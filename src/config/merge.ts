/** Merges settings; later layers win. Groups are merged, single settings and lists replaced. Undefined changes nothing. */
export function mergeSettings(...layers: readonly object[]): object {
  return layers.reduce<Record<string, unknown>>((all, layer) => merge(all, layer), {});
}

function merge(under: Record<string, unknown>, over: object): Record<string, unknown> {
  const out = { ...under };
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue;
    out[key] = isGroup(value) ? merge(isGroup(out[key]) ? out[key] : {}, value) : value;
  }
  return out;
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
