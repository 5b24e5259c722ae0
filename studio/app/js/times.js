// Times in words.

/** How long something will still take. @param {number | null} seconds */
export function timeLeft(seconds) {
  if (seconds == null) return '';
  if (seconds < 1.5) return 'a moment left';
  if (seconds < 90) return `about ${Math.round(seconds)} s left`;
  return `about ${Math.round(seconds / 60)} min left`;
}

/** The same in a few letters: 47 s, 3 min. @param {number} seconds */
export const briefly = (seconds) =>
  (seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`);
