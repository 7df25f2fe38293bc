/** Batch and learning rate as a publication gives them; settings give the rate for a batch of 256. */
export const absolute = (rate: number, batch: number) => ({
  batchSize: batch,
  learningRate: (rate * 256) / batch,
});
