// A line drawn by hand, one point a bar, as the recipe writes it: ["1:D4", "5:A5"].

import { pitchName, pitchOf } from './pitches.js';

export class Points {
  /** @param {string[]} written */
  constructor(written = []) {
    /** @type {Map<number, number>} bar -> MIDI pitch */
    this.of = new Map();
    this.read(written);
  }

  /** @param {string[]} written */
  read(written) {
    this.of.clear();
    for (const each of written) {
      const [bar, name] = String(each).split(':');
      const pitch = pitchOf(name ?? '');
      if (pitch != null && Number(bar) >= 1) this.of.set(Number(bar), pitch);
    }
  }

  sorted() {
    return [...this.of].sort((a, b) => a[0] - b[0]);
  }

  written() {
    return this.sorted().map(([bar, pitch]) => `${bar}:${pitchName(pitch)}`);
  }

  /**
   * The line goes from one bar to another, past all between.
   *
   * @param {[number, number]} from bar and pitch
   * @param {[number, number]} to
   */
  stroke([bar, pitch], [toBar, toPitch]) {
    const steps = Math.abs(toBar - bar);
    for (let step = 1; step < steps; step += 1) {
      this.of.set(bar + Math.sign(toBar - bar) * step, Math.round(pitch + ((toPitch - pitch) * step) / steps));
    }
    this.of.set(toBar, toPitch);
  }

  inWords() {
    return this.sorted().map(([bar, pitch]) => `bar ${bar} ${pitchName(pitch)}`).join(', ');
  }
}
