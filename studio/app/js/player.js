// The sound of a melody. One plays at a time, on whatever tab.

/** @type {HTMLAudioElement | null} */
let playing = null;

export const silence = () => {
  playing?.pause();
  playing = null;
};

/** What plays now, or null. */
export const nowPlaying = () => playing;

/** @param {number} seconds */
export const clock = (seconds) =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

/**
 * Plays it and nothing else. Gives whether the browser could, or was told otherwise meanwhile.
 *
 * @param {HTMLAudioElement} audio
 */
export async function playOnly(audio) {
  silence();
  playing = audio;
  try {
    await audio.play();
    return true;
  } catch {
    return playing !== audio;
  }
}

/**
 * Goes to a moment, even before anything of the sound is here.
 *
 * @param {HTMLAudioElement} audio
 * @param {number} seconds
 */
export function goTo(audio, seconds) {
  audio.currentTime = seconds;
  if (audio.readyState > 0) return;
  audio.load();
  audio.addEventListener('loadedmetadata', () => { audio.currentTime = seconds; }, { once: true });
}
