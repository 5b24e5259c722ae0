// The sound of a melody. One plays at a time, on whatever tab.

/** @type {HTMLAudioElement | null} */
let playing = null;

/** @type {Set<HTMLAudioElement>} those that were told to play, and may still sound until another does */
const started = new Set();

export const silence = () => {
  playing?.pause();
  playing = null;
};

/** What plays now, or null. */
export const nowPlaying = () => playing;

/**
 * What plays there plays on although its place on the page goes: a sound that leaves the page stops.
 *
 * @param {HTMLElement} place
 */
export function keepSound(place) {
  const kept = playing;
  if (!kept || kept.paused || !place.contains(kept)) return;
  kept.dataset.kept = 'yes';
  document.body.append(kept);
  for (const end of ['pause', 'ended']) kept.addEventListener(end, () => kept.remove(), { once: true });
}

/** @param {number} seconds */
export const clock = (seconds) =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

/**
 * Plays it and nothing else: what played before goes on until this is heard. Gives whether the browser could, or was
 * told otherwise meanwhile.
 *
 * @param {HTMLAudioElement} audio
 */
export async function playOnly(audio) {
  const before = playing;
  playing = audio;
  started.add(audio);
  try {
    await audio.play();
  } catch {
    if (playing === audio) playing = before;
    return playing !== before;
  }
  for (const other of started) {
    if (other === playing) continue;
    other.pause();
    started.delete(other);
  }
  return true;
}

/** Milliseconds between two looks whether a sound is still being fetched. */
const LOOK = 500;

/**
 * Another rendering of the same sound takes over where this one is, as soon as it is here, and goes on if this one
 * plays then. Gives the one that is heard from now on, or null where it is not wanted any more.
 *
 * @param {HTMLAudioElement} audio
 * @param {HTMLAudioElement} next has no source yet
 * @param {string} address of what it is to play
 * @param {number} faster how many times
 * @param {() => boolean} wanted
 */
export async function takeOver(audio, next, address, faster, wanted) {
  const there = () => audio.currentTime / faster;
  audio.playbackRate = faster; // at once, until the new sound is here
  const sound = await whole(address);
  if (!wanted()) return null;
  next.preload = 'auto';
  next.src = URL.createObjectURL(sound);
  next.dataset.address = new URL(address, document.baseURI).href;
  /** @type {number | undefined} */
  let looking;
  try {
    await new Promise((ready, failed) => {
      next.addEventListener('canplay', ready, { once: true });
      next.addEventListener('error', failed, { once: true });
      // Some browsers fetch nothing before somebody presses Play.
      looking = setInterval(() => { if (audio.paused && next.networkState !== next.NETWORK_LOADING) ready(null); }, LOOK);
      next.load();
    });
  } finally {
    clearInterval(looking);
  }
  if (!wanted()) {
    letGo(next);
    return null;
  }
  if (audio.paused) {
    goTo(next, there());
    return next;
  }
  next.currentTime = there();
  await playOnly(next);
  return next;
}

/**
 * A sound in one piece. A browser that fetches it by itself asks for its beginning, for its end and for its beginning
 * again before it plays, which takes twice as long.
 *
 * @param {string} address
 */
async function whole(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.blob();
}

/** It is not played any more: what it held is given back. @param {HTMLAudioElement} audio */
export function letGo(audio) {
  if (audio.src.startsWith('blob:')) URL.revokeObjectURL(audio.src);
  audio.removeAttribute('src');
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
