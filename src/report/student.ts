/*
 * Student's t for whole degrees of freedom, by its finite series (Abramowitz and Stegun, 26.7.3 and 26.7.4).
 */

/** The probability of a value beyond ±t. */
export function probability(t: number, degrees: number): number {
  if (!(Number.isSafeInteger(degrees) && degrees > 0))
    throw new RangeError(`Student's t needs whole degrees of freedom above 0, got ${degrees}`);
  if (Number.isNaN(t)) return 1; // 0 / 0: no difference and no spread
  const angle = Math.atan(Math.abs(t) / Math.sqrt(degrees));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const odd = degrees % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = odd && degrees === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k < degrees; k += 2) {
    term *= ((k - 1) / k) * cosine ** 2;
    sum += term;
  }
  const within = odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
  return Math.max(0, 1 - within);
}

/** The t beyond which, on both sides together, lies a probability of 0.05. */
export function quantile(degrees: number): number {
  let [low, high] = [1.9, 13];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (probability(middle, degrees) > 0.05) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
