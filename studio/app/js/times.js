// Times in words.

/**
 * How long something will still take: about so long or, where nobody knows it that well, between two times.
 *
 * @param {number | null} seconds
 * @param {number | null} [most] what may be left at most; the least is as many times less
 */
export function timeLeft(seconds, most) {
  if (seconds == null) return '';
  const longest = most ?? seconds;
  if (longest < 1.5) return 'a moment left';
  if (longest < 1.3 * seconds) return seconds < 90 ? `about ${Math.round(seconds)} s left` : `about ${Math.round(seconds / 60)} min left`;
  const unit = longest < 120 ? 's' : 'min';
  const [low, high] = [seconds * seconds / longest, longest].map((each) => (unit === 's' ? each : each / 60));
  const step = high < 15 ? 1 : high < 40 ? 2 : 5;
  const least = Math.floor(low / step) * step;
  return `${least ? `${least} to` : 'up to'} ${Math.ceil(high / step) * step} ${unit} left`;
}

/** The same in a few letters: 47 s, 3 min. @param {number} seconds */
export const briefly = (seconds) =>
  (seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`);

/** Memory in a few letters: 0.4 GB. @param {number} bytes */
export const memory = (bytes) => `${Math.max(0.1, bytes / 1e9).toFixed(bytes < 9.95e9 ? 1 : 0)} GB`;

/** What a work will take, in a few letters: 4 s · 0.5 GB. @param {{seconds: number, bytes: number}} estimate */
export const cost = ({ seconds, bytes }) => `${briefly(seconds)} · ${memory(bytes)}`;

/**
 * A tempo as a score writes it: in dotted quarter notes where these are the beats.
 *
 * @param {number} quarters a minute
 * @param {string} meter
 */
export function beatsInWords(quarters, meter) {
  const [count, unit] = meter.split('/').map(Number);
  if (unit === 8 && count % 3 === 0) return `♩. = ${Math.round(quarters / 1.5)}`;
  return unit === 2 ? `half note = ${Math.round(quarters / 2)}` : `♩ = ${Math.round(quarters)}`;
}
