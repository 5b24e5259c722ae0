// The notes that a scene plays.

/** @import { Sound } from './types' */

/** @type {AudioContext | null} */
let audio = null;

/** @param {Sound} sound */
export function play(sound) {
  audio ||= new AudioContext();
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  const start = audio.currentTime + sound.after;
  tone.type = sound.timbre;
  tone.frequency.value = 440 * 2 ** ((sound.pitch - 69) / 12);
  volume.gain.setValueAtTime(sound.loudness * 0.4, start);
  volume.gain.exponentialRampToValueAtTime(0.001, start + sound.seconds);
  tone.connect(volume).connect(audio.destination);
  tone.start(start);
  tone.stop(start + sound.seconds);
}
