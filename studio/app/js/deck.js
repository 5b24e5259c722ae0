// What plays the takes: A and B from the same moment, at a tempo and with an instrument that change while it plays.

import { make } from './dom.js';
import { instrumentGroups } from './instruments.js';
import { nowPlaying, silence } from './player.js';
import { beatsInWords } from './times.js';

/** @import { Melody } from './melody' */

/** Milliseconds without a further move of the tempo before the sound is made anew. */
const PAUSE = 300;

const [SLOWEST, FASTEST] = [40, 240];

export class Deck {
  /** @param {string[]} instruments those of General MIDI */
  constructor(instruments) {
    /** @type {Melody[]} */
    this.melodies = [];
    this.current = 0;
    this.performed = ''; // what all takes were told to sound like
    /** @type {number | undefined} */
    this.waiting = undefined;
    this.letters = make('div', { class: 'letters', role: 'group', 'aria-label': 'Which take plays, from the same moment' });
    this.tempo = make('input', { type: 'range', min: SLOWEST, max: FASTEST, step: 1, 'aria-label': 'Tempo, in quarter notes a minute' });
    this.beats = make('output', {});
    this.instrument = make('select', { 'aria-label': 'Instrument' }, ...instrumentGroups(instruments, 'As composed'));
    this.reset = make('button', { type: 'button', class: 'small plain reset', hidden: true }, 'As composed');
    this.former = make('button', { type: 'button', class: 'small', hidden: true, onclick: () => silence() }, '❚❚ Previous take');
    this.element = make('div', { class: 'deck', role: 'group', 'aria-label': 'Player', hidden: true },
      this.letters,
      this.former,
      make('label', { class: 'tempo' }, make('span', {}, 'Tempo'), this.tempo, this.beats),
      make('label', { class: 'instrument' }, make('span', {}, 'Instrument'), this.instrument),
      this.reset);
    this.tempo.addEventListener('input', () => {
      this.tempo.dataset.chosen = this.tempo.value;
      this.changed(PAUSE);
    });
    this.tempo.addEventListener('change', () => this.changed());
    this.instrument.addEventListener('change', () => this.changed());
    this.reset.addEventListener('click', () => {
      this.instrument.value = '';
      this.tempo.dataset.chosen = '';
      this.changed();
    });
    // Whatever starts or stops, here or on a card.
    for (const event of ['play', 'playing', 'pause', 'ended']) {
      document.addEventListener(event, () => this.mark(), { capture: true });
    }
  }

  /** These can be compared. @param {Melody[]} melodies */
  hold(melodies) {
    if (melodies.length === this.melodies.length && melodies.every((each, place) => each === this.melodies[place])) return;
    this.melodies = melodies;
    this.current = 0;
    this.performed = JSON.stringify(this.performance());
    this.element.hidden = !melodies.length;
    this.letters.hidden = melodies.length < 2;
    this.letters.replaceChildren(...melodies.map((melody, place) => make('button', {
      type: 'button',
      'aria-pressed': 'false',
      'data-place': place,
      onclick: () => this.press(place),
    }, melody.letter)));
    for (const melody of melodies) {
      melody.onRead(() => this.showTempo());
      if (this.isChanged) melody.perform(this.performance());
    }
    this.showTempo();
    this.mark();
    // What plays of an earlier request plays on; its take is not on the page any more, but it can be stopped here.
    for (const event of ['pause', 'ended']) nowPlaying()?.addEventListener(event, () => this.mark());
  }

  /** Plays a take from where the one that plays is; the one that plays already stops. @param {number} place */
  press(place) {
    const before = this.melodies[this.current];
    const next = this.melodies[place];
    if (next.plays) return next.play();
    if (before !== next) next.seek(before.now() % (next.music?.seconds || 1e9));
    this.current = place;
    return next.play();
  }

  mark() {
    this.melodies.forEach((melody, place) => {
      const plays = melody.holds(nowPlaying()) && melody.plays;
      if (plays) this.current = place;
      const button = this.letters.children[place];
      button?.setAttribute('aria-pressed', String(plays));
      button?.setAttribute('aria-label', `${plays ? 'Pause' : 'Play'} ${melody.name}`);
    });
    const now = nowPlaying();
    const isFormer = now && !this.melodies.some((melody) => melody.holds(now))
      && (now.dataset.kept || now.closest('.compose .example'));
    this.former.hidden = !now || now.paused || !isFormer;
  }

  // --- Tempo and instrument

  get isChanged() {
    return Boolean(this.instrument.value || this.tempo.dataset.chosen);
  }

  performance() {
    return { tempo: Number(this.tempo.dataset.chosen) || null, instrument: this.instrument.value };
  }

  /** Until another is chosen, the tempo is that of the tune. */
  showTempo() {
    const own = this.melodies[0]?.music?.tempo;
    if (!this.tempo.dataset.chosen && own) this.tempo.value = String(Math.round(own));
    this.beats.textContent = beatsInWords(Number(this.tempo.value), this.melodies[0]?.music?.meter ?? '4/4');
  }

  /** @param {number} [pause] milliseconds that another change may still come in */
  changed(pause = 0) {
    this.showTempo();
    this.reset.hidden = !this.isChanged;
    clearTimeout(this.waiting);
    this.waiting = pause ? setTimeout(() => this.perform(), pause) : undefined;
    if (!pause) this.perform();
  }

  /** The take that plays, or would, is heard before the others are rendered, which would only slow it down. */
  async perform() {
    const asked = JSON.stringify(this.performance());
    if (asked === this.performed) return;
    this.performed = asked;
    const { melodies } = this;
    const first = melodies[this.current];
    for (const melody of [first, ...melodies.filter((each) => each !== first)]) {
      if (asked !== this.performed || melodies !== this.melodies) return; // another change came
      await melody?.perform(this.performance());
    }
  }
}
