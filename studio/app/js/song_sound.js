// The sound of a song: its recording, or its stems as they are mixed, from the same moment.

import { make } from './dom.js';
import { Mixer } from './mixer.js';
import { goTo, playOnly, silence } from './player.js';

/** @import { Strip } from './mixer' */
/** @import { SongPart } from './types' */

export class SongSound {
  /**
   * @param {string} work its id
   * @param {() => void} changed it began, stopped, or is about to
   */
  constructor(work, changed) {
    this.audio = make('audio', { preload: 'none', src: `works/${work}/as/mp3` });
    this.work = work;
    this.changed = changed;
    /** @type {Mixer | null} once something is mixed */
    this.mixer = null;
    this.waiting = false;
    this.unwanted = false; // stopped before it was heard
    /** Whether a person has mixed it. */
    this.mixes = false;
    for (const event of ['playing', 'pause', 'ended']) this.audio.addEventListener(event, () => this.changed());
  }

  /** Whether the stems are heard in place of the recording. */
  get isMixed() {
    return this.mixes && (this.mixer?.ready ?? false);
  }

  get plays() {
    return this.isMixed ? this.mixer?.playing ?? false : !this.audio.paused;
  }

  /** Whether it was heard to its end. */
  get ended() {
    return !this.isMixed && this.audio.ended;
  }

  now() {
    return this.mixer && this.isMixed ? this.mixer.now() : this.audio.currentTime;
  }

  /** @param {number} seconds */
  async seek(seconds) {
    if (!this.mixer || !this.isMixed) return goTo(this.audio, seconds);
    if (this.mixer.playing) return this.mixer.play(seconds);
    this.mixer.stopped = seconds;
    return undefined;
  }

  /** Plays it, or stops it. Gives a sentence where it could not be played. */
  async toggle() {
    if (this.plays || this.waiting) {
      this.unwanted = this.waiting;
      this.stop();
      return '';
    }
    this.waiting = true;
    this.unwanted = false;
    this.changed();
    try {
      if (this.mixer && this.isMixed) await this.mixer.play();
      else if (!await playOnly(this.audio) && !this.unwanted) return 'This could not be played; download its sound instead.';
      return '';
    } finally {
      this.waiting = false;
      this.changed();
    }
  }

  stop() {
    if (this.mixer?.playing) this.mixer.stop();
    if (this.waiting) this.audio.pause();
    if (!this.audio.paused) silence();
  }

  /**
   * Hears the parts as they are mixed, from where the song is.
   *
   * @param {SongPart[]} parts
   * @param {Map<string, Strip>} strips
   * @param {(here: number, all: number) => void} [told] how many parts are here
   */
  async mix(parts, strips, told = () => {}) {
    const mixer = this.prepare(parts, strips);
    if (this.mixes) return mixer.load();
    this.mixes = true;
    mixer.told = told;
    mixer.count();
    try {
      await mixer.load();
    } catch (error) {
      this.mixes = false;
      this.mixer = null; // so that it is tried again
      throw error;
    }
    const at = this.audio.currentTime;
    if (this.audio.paused) mixer.stopped = at;
    else await mixer.play(this.audio.currentTime + 0.05);
    return undefined;
  }

  /**
   * Fetches the parts, but goes on with the recording until they are mixed.
   *
   * @param {SongPart[]} parts
   * @param {Map<string, Strip>} strips
   */
  prepare(parts, strips) {
    const mixer = this.mixer ??= new Mixer(this.work, parts.filter(({ rests }) => !rests));
    mixer.changed = this.changed;
    mixer.set(strips);
    mixer.load().catch(() => {}); // whoever mixes is told
    return mixer;
  }
}
