// The notes of a melody as a piano roll: bars to keep above it, every note explained, pins and a line drawn on it.

import { all, around, draw, make } from './dom.js';
import { pinOf, pitchName } from './pitches.js';
import { Points } from './points.js';
import { roving, settle } from './roving.js';

/** @import { Music } from './types' */
/** @import { Place } from './pins' */

/** Pixels of a target that a finger hits: notes are drawn at least that wide, and taken to be that high. */
const TARGET = 24;

/** Pixels around a note that count as the note. */
const REACH = TARGET / 2;

/** Rows above the highest note and below the lowest, for pins and lines that go further. */
const MARGIN = 5;

const BLACK = [1, 3, 6, 8, 10];

/**
 * @typedef {object} Listener
 * @property {boolean} keeps whether bars can be kept
 * @property {string} words what the roll is and does, for those who do not see it
 * @property {(bar: number) => void} toggle a bar was clicked (from 1)
 * @property {(number: number) => void} explain a note was chosen
 * @property {(seconds: number) => void} seek a moment was clicked
 */

export class Roll {
  /** @param {Listener} listener */
  constructor(listener) {
    this.listener = listener;
    this.strip = make('div', { class: 'bars', role: 'toolbar', 'aria-label': 'Bars to keep' });
    roving(this.strip);
    this.notes = make('div', { class: 'notes', tabindex: '0', role: 'application', 'aria-label': listener.words });
    this.head = make('span', { class: 'head', 'aria-hidden': 'true' });
    this.path = draw('polyline', { points: '' });
    this.sketch = draw('svg', { class: 'drawn', viewBox: '0 0 100 100', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, this.path);
    this.ghost = make('span', { class: 'ghost', hidden: true, 'aria-hidden': 'true' });
    this.wide = make('div', { class: 'wide' }, this.strip, this.notes);
    this.element = make('div', { class: 'roll' }, this.wide);
    /** @type {Music | null} */
    this.music = null;
    this.low = 0;
    this.rows = 1;
    /** @type {string[]} */
    this.pins = [];
    /** @type {number[]} */
    this.sounding = [];
    this.points = new Points();
    this.notes.addEventListener('click', (event) => this.click(event));
  }

  /** @param {Music} music */
  show(music) {
    this.music = music;
    this.sounding = [];
    const pitches = music.notes.map((note) => note.pitch);
    this.low = Math.min(...pitches) - MARGIN;
    this.rows = Math.max(...pitches) + MARGIN + 1 - this.low;
    this.element.style.setProperty('--bars', String(music.bars.length));
    this.element.style.setProperty('--rows', String(this.rows));
    this.element.style.setProperty('--notes-wide', `${widthOf(music)}px`);
    this.notes.style.backgroundImage = keyboardRows(this.low, this.rows);
    this.strip.replaceChildren(...music.bars.map((start, place) => this.barLabel(music, start, place + 1)));
    settle(this.strip);
    this.notes.replaceChildren(
      ...music.bars.map((start) => make('i', { class: 'line', style: `left: ${this.where(start)}` })),
      ...music.notes.map((_, number) => this.note(music, number)),
      this.sketch, this.ghost, this.head);
  }

  /**
   * @param {Music} music
   * @param {number} start
   * @param {number} bar
   */
  barLabel(music, start, bar) {
    const before = bar === 1 ? `margin-left: ${this.where(start)}; ` : ''; // where a band plays an introduction
    const style = `${before}width: ${this.where((music.bars[bar] ?? music.end ?? music.seconds) - start)}`;
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
    return make('b', {
      class: `note o${Math.min(4, note.order ?? 0)}${copied ? ' copied' : ''}`,
      'data-number': number,
      'data-bar': note.bar,
      title: note.name,
      style: `left: ${left}; width: ${width}; bottom: ${this.height(note.pitch)}; height: ${100 / this.rows}%`,
    });
  }

  // --- Where things are

  /** How far to the right a moment is. @param {number} seconds */
  where(seconds) {
    return `${(100 * seconds) / (this.music?.seconds ?? 1)}%`;
  }

  /** How high the lower edge of a pitch is. @param {number} pitch */
  height(pitch) {
    return `${(100 * (pitch - this.low)) / this.rows}%`;
  }

  /** The moment and the pitch under a pointer. @param {MouseEvent} event @returns {[number, number]} */
  under({ clientX, clientY }) {
    const box = this.notes.getBoundingClientRect();
    const along = Math.min(1, Math.max(0, (clientX - box.left) / box.width));
    const up = Math.min(0.999, Math.max(0, 1 - (clientY - box.top) / box.height));
    return [along * (this.music?.seconds ?? 0), this.within(Math.floor(this.low + this.rows * up))];
  }

  /** @param {number} pitch */
  within(pitch) {
    return Math.min(this.low + this.rows - 1, Math.max(this.low, pitch));
  }

  /** Bar and beat of a moment, to half beats of the meter or exactly. @param {number} seconds @param {boolean} [exact] @returns {Place} */
  placeOf(seconds, exact = false) {
    const { music } = this;
    if (!music) return { bar: 1, beat: 1 };
    const bar = Math.max(1, music.bars.filter((start) => start <= seconds + 1e-6).length);
    const beats = (seconds - music.bars[bar - 1]) / beatOf(music);
    return { bar, beat: 1 + (exact ? beats : Math.floor(2 * beats + 1e-6) / 2) };
  }

  /** When a place is. @param {Place} place */
  momentOf({ bar, beat }) {
    return this.music ? (this.music.bars[bar - 1] ?? 0) + (beat - 1) * beatOf(this.music) : 0;
  }

  // --- What is marked

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
      const chosen = Number(each.dataset.number) === number;
      each.classList.toggle('chosen', chosen);
      if (chosen) this.bringIntoSight(each);
    }
  }

  /** The roll alone is moved, never the page. @param {HTMLElement} note */
  bringIntoSight({ offsetLeft, offsetWidth }) {
    const { element } = this;
    if (offsetLeft < element.scrollLeft) element.scrollLeft = offsetLeft - REACH;
    const over = offsetLeft + offsetWidth - element.scrollLeft - element.clientWidth;
    if (over > 0) element.scrollLeft += over + 2 * TARGET;
  }

  /** @param {string[]} pins as they are written */
  drawPins(pins) {
    this.pins = pins;
    for (const old of all(this.notes, '.pinned')) old.remove();
    const { music } = this;
    if (!music) return;
    for (const each of pins) {
      const pin = pinOf(each);
      if (!pin || pin.bar > music.bars.length) continue;
      const left = this.where(this.momentOf(pin));
      const bottom = `${(100 * (this.within(pin.pitch) - this.low + 0.5)) / this.rows}%`;
      this.notes.append(make('i', { class: 'pinned', 'data-pin': each, title: `Pinned: ${each}`, style: `left: ${left}; bottom: ${bottom}` }));
    }
  }

  /** @param {Points} points @param {number} [chosen] the bar where the keyboard is */
  drawLine(points, chosen = 0) {
    this.points = points;
    const { music } = this;
    for (const old of all(this.notes, '.point')) old.remove();
    if (!music) return;
    const dots = points.sorted().filter(([bar]) => bar <= music.bars.length).map(([bar, pitch]) => {
      const middle = (music.bars[bar - 1] + (music.bars[bar] ?? music.seconds)) / 2;
      return { bar, x: (100 * middle) / music.seconds, y: 100 - (100 * (this.within(pitch) - this.low + 0.5)) / this.rows };
    });
    this.path.setAttribute('points', dots.map(({ x, y }) => `${x},${y}`).join(' '));
    this.notes.append(...dots.map(({ bar, x, y }) =>
      make('i', { class: bar === chosen ? 'point chosen' : 'point', style: `left: ${x}%; top: ${y}%` })));
  }

  /** What is being dragged, with its name beside it. @param {number | null} seconds @param {number} [pitch] @param {string} [words] */
  haunt(seconds, pitch = 0, words = '') {
    this.ghost.hidden = seconds == null;
    if (seconds == null) return;
    Object.assign(this.ghost.style, { left: this.where(seconds), bottom: this.height(pitch), height: `${100 / this.rows}%` });
    this.ghost.dataset.words = words || pitchName(pitch);
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
    const sounding = music.notes.flatMap(({ at, for: long }, number) => (playing && at <= now && now < at + long ? [number] : []));
    if (sounding.join() !== this.sounding.join()) {
      for (const each of all(notes, '.note')) each.classList.toggle('sounds', sounding.includes(Number(each.dataset.number)));
    }
    this.sounding = sounding;
    if (playing && element.scrollWidth > element.clientWidth) {
      element.scrollLeft = Math.max(0, (now / music.seconds) * notes.clientWidth - element.clientWidth / 2);
    }
  }

  // --- Clicks

  /** @param {MouseEvent} event */
  click(event) {
    if (!this.music || event.defaultPrevented) return;
    const number = this.noteUnder(event);
    if (number != null) this.listener.explain(number);
    else this.listener.seek(this.under(event)[0]);
  }

  /** The number of the note that is meant, or null. @param {MouseEvent} event */
  noteUnder(event) {
    const hit = around(event, '.note')?.dataset.number ?? this.nearest(event)?.dataset.number;
    return hit == null ? null : Number(hit);
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
}

/** How long a beat lasts, in seconds. @param {Music} music */
const beatOf = (music) => 240 / Number(music.meter.split('/')[1]) / music.tempo;

/**
 * Pixels of a roll in which nearly every note is as wide as a target. One note in twenty may be an ornament.
 *
 * @param {Music} music
 */
function widthOf(music) {
  const lengths = music.notes.map((note) => note.for).sort((a, b) => a - b);
  const short = lengths[Math.floor(lengths.length / 20)] ?? 1;
  return Math.min(20000, Math.ceil((TARGET * music.seconds) / short));
}

/** A stripe for each row that is a black key. @param {number} low @param {number} rows */
function keyboardRows(low, rows) {
  const stops = [...Array(rows).keys()].flatMap((row) => {
    const shade = BLACK.includes((low + row) % 12) ? 'var(--row)' : 'transparent';
    return [`${shade} ${(100 * row) / rows}%`, `${shade} ${(100 * (row + 1)) / rows}%`];
  });
  return `linear-gradient(to top, ${stops.join(', ')})`;
}
