// The notes of a melody as a piano roll: bars to keep above it, every note explained, pins set by a click.

import { all, around, make } from './dom.js';
import { pinOf, pitchName } from './pitches.js';

/** @import { Music } from './types' */

/** Pixels around a note that count as the note. */
const REACH = 12;

const WORDS = 'The notes. Arrow keys go from note to note and tell where each comes from; space plays from there.';

/**
 * @typedef {object} Listener
 * @property {boolean} keeps whether bars can be kept
 * @property {(bar: number) => void} toggle a bar was clicked (from 1)
 * @property {(number: number) => void} explain a note was chosen
 * @property {(seconds: number) => void} seek a moment was clicked
 * @property {((bar: number, beat: number, pitch: string) => void) | null} pin a pin is to be set or taken away
 */

export class Roll {
  /** @param {Listener} listener */
  constructor(listener) {
    this.listener = listener;
    this.strip = make('div', { class: 'bars', role: 'group', 'aria-label': 'Bars to keep' });
    this.notes = make('div', { class: 'notes', tabindex: '0', role: 'application', 'aria-label': WORDS });
    this.head = make('span', { class: 'head', 'aria-hidden': 'true' });
    this.element = make('div', { class: 'roll' }, make('div', { class: 'wide' }, this.strip, this.notes));
    /** @type {Music | null} */
    this.music = null;
    this.low = 0;
    this.rows = 1;
    this.pinning = false;
    this.notes.addEventListener('click', (event) => this.click(event));
  }

  /** @param {Music} music */
  show(music) {
    this.music = music;
    const pitches = music.notes.map((note) => note.pitch);
    this.low = Math.min(...pitches) - 3;
    this.rows = Math.max(...pitches) + 4 - this.low;
    this.element.style.setProperty('--bars', String(music.bars.length));
    this.strip.replaceChildren(...music.bars.map((start, place) => this.barLabel(music, start, place + 1)));
    this.notes.replaceChildren(
      ...music.bars.map((start) => make('i', { class: 'line', style: `left: ${this.where(start)}` })),
      ...music.notes.map((_, number) => this.note(music, number)),
      this.head);
  }

  /**
   * @param {Music} music
   * @param {number} start
   * @param {number} bar
   */
  barLabel(music, start, bar) {
    const style = `width: ${this.where((music.bars[bar] ?? music.seconds) - start)}`;
    if (!this.listener.keeps) return make('span', { class: 'bar-number', style }, String(bar));
    const pressed = { 'aria-pressed': 'false', 'aria-label': `Keep bar ${bar}` };
    const onclick = () => this.listener.toggle(bar);
    return make('button', { type: 'button', 'data-bar': bar, ...pressed, onclick, style }, String(bar));
  }

  /**
   * @param {Music} music
   * @param {number} number
   */
  note(music, number) {
    const note = music.notes[number];
    const copied = number >= music.copied[0] && number < music.copied[1];
    const [left, width] = [this.where(note.at), `calc(${this.where(note.for)} - 1px)`];
    const bottom = `${(100 * (note.pitch - this.low)) / this.rows}%`;
    return make('b', {
      class: `note o${Math.min(4, note.order ?? 0)}${copied ? ' copied' : ''}`,
      'data-number': number,
      'data-bar': note.bar,
      title: note.name,
      style: `left: ${left}; width: ${width}; bottom: ${bottom}; height: ${100 / this.rows}%`,
    });
  }

  /** How far to the right a moment is. @param {number} seconds */
  where(seconds) {
    return `${(100 * seconds) / (this.music?.seconds ?? 1)}%`;
  }

  /** @param {Set<number>} bars */
  mark(bars) {
    for (const button of all(this.strip, 'button')) {
      button.setAttribute('aria-pressed', String(bars.has(Number(button.dataset.bar))));
    }
    for (const note of all(this.notes, '.note')) note.classList.toggle('kept', bars.has(Number(note.dataset.bar)));
  }

  /** @param {number} number */
  choose(number) {
    for (const each of all(this.notes, '.note')) {
      each.classList.toggle('chosen', Number(each.dataset.number) === number);
    }
  }

  /** @param {string[]} pins as they are written */
  drawPins(pins) {
    for (const old of all(this.notes, '.pinned')) old.remove();
    const { music } = this;
    if (!music) return;
    for (const each of pins) {
      const pin = pinOf(each);
      if (!pin || pin.bar > music.bars.length) continue;
      const left = this.where(music.bars[pin.bar - 1] + (pin.beat - 1) * beatOf(music));
      const bottom = `${(100 * (pin.pitch - this.low + 0.5)) / this.rows}%`;
      const title = `Pinned: ${each}`;
      this.notes.append(make('i', { class: 'pinned', title, style: `left: ${left}; bottom: ${bottom}` }));
    }
    this.notes.dataset.beats = music.meter.split('/')[0];
  }

  /**
   * Puts the head where the melody is now, and lights the notes that sound.
   *
   * @param {number} now seconds
   * @param {boolean} playing
   */
  point(now, playing) {
    const { music, element, notes } = this;
    if (!music) return;
    this.head.style.left = this.where(now);
    for (const each of all(notes, '.note')) {
      const { at, for: long } = music.notes[Number(each.dataset.number)];
      each.classList.toggle('sounds', playing && at <= now && now < at + long);
    }
    if (playing && element.scrollWidth > element.clientWidth) {
      element.scrollLeft = Math.max(0, (now / music.seconds) * notes.clientWidth - element.clientWidth / 2);
    }
  }

  /** @param {MouseEvent} event */
  click(event) {
    const { music, listener } = this;
    if (!music) return;
    const hit = around(event, '.note')?.dataset.number;
    const number = hit ?? (this.pinning ? undefined : this.nearest(event)?.dataset.number);
    const box = this.notes.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * music.seconds;
    if (this.pinning && listener.pin) {
      if (number != null) return this.pinNote(Number(number));
      const pitch = Math.floor(this.low + this.rows * (1 - (event.clientY - box.top) / box.height));
      return listener.pin(...placeOf(music, at), pitchName(pitch));
    }
    return number != null ? listener.explain(Number(number)) : listener.seek(at);
  }

  /** The note within reach of a finger that missed it, or undefined. @param {MouseEvent} event */
  nearest({ clientX, clientY }) {
    const away = (/** @type {HTMLElement} */ note) => {
      const { left, right, top, bottom } = note.getBoundingClientRect();
      return Math.max(left - clientX, clientX - right, top - clientY, clientY - bottom, 0);
    };
    const notes = all(this.notes, '.note').map((note) => ({ note, away: away(note) }));
    return notes.filter(({ away: far }) => far <= REACH).sort((one, other) => one.away - other.away)[0]?.note;
  }

  /** @param {number} number */
  pinNote(number) {
    const note = this.music?.notes[number];
    if (note && this.music) this.listener.pin?.(...placeOf(this.music, note.at), note.name);
  }
}

/** How long a beat lasts, in seconds. @param {Music} music */
const beatOf = (music) => 240 / Number(music.meter.split('/')[1]) / music.tempo;

/**
 * The bar and beat of a moment, to half beats of the meter.
 *
 * @param {Music} music
 * @param {number} seconds
 * @returns {[number, number]}
 */
function placeOf(music, seconds) {
  const bar = Math.max(1, music.bars.filter((start) => start <= seconds + 1e-6).length);
  const halves = Math.floor((2 * (seconds - music.bars[bar - 1])) / beatOf(music) + 1e-6);
  return [bar, 1 + halves / 2];
}
