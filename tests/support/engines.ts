/** Those of some engines, by name, that are tested here: `vitest.config.ts` leaves out those whose library is missing. */
export function tested<T>(engines: Readonly<Record<string, T>>): [name: string, engine: T][] {
  const missing = (process.env.LEFT_OUT_ENGINES ?? '').split(',');
  return Object.entries(engines).filter(([name]) => !missing.includes(name));
}
