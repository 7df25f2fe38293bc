/** Options of `vi.waitFor`: on a busy machine a second is not enough for what usually happens at once. */
export const PATIENT = { timeout: 60_000 } as const;
