// The engraved score of a melody: its bars are clicked, its notes explained, and a needle runs along while it plays.

import { all, around, draw, find, make } from './dom.js';

/** @import { Music, Work } from './types' */

/** @typedef {{element: SVGElement, at: number, number: number | null}} Part */
/** @typedef {{measure: SVGGElement, box: SVGRectElement, parts: Part[]}} Measure */
/** @typedef {{stops: number[][], top: number, height: number}} Place where a bar's moments are in the paper, in pixels */

/**
 * @typedef {object} Reader
 * @property {(bar: number) => void} toggle a bar was clicked (from 1)
 * @property {(number: number) => void} explain a note was clicked
 * @property {(number: number) => boolean} isCopied whether a note is part of what is copied
 * @property {(bar: number) => void} [chords] the chords of a bar were clicked (from 1)
 */

export class Score {
  /** @param {Work} work */
  constructor(work) {
    this.work = work;
    this.paper = make('div', { class: 'paper', role: 'group', 'aria-label': `Score of ${work.title}` });
    this.needle = make('span', { class: 'needle', 'aria-hidden': 'true' });
    /** @type {Measure[]} */
    this.measures = [];
    /** @type {'narrow' | 'wide' | null} */
    this.page = null;
    /** @type {Map<number, Place>} */
    this.places = new Map();
    /** @type {Place | null} */
    this.here = null;
    this.wide = 0;
  }

  /** Fetches another engraving, where the one that is there does not fit. Gives whether it did. @param {number} width */
  async refit(width) {
    if (this.page === pageFor(width)) return false;
    return this.fetch(width);
  }

  /** Fetches the engraving that fits the width of the page, unless another is wanted meanwhile. @param {number} width in pixels */
  async fetch(width) {
    const page = pageFor(width);
    this.page = page;
    const answer = await fetch(`works/${this.work.id}/score.svg?page=${page}`);
    if (!answer.ok) throw new Error((await answer.json()).detail);
    const text = await answer.text();
    if (page !== this.page) return false;
    const read = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement;
    const svg = document.importNode(read, true);
    const [wide, high] = ['width', 'height'].map((size) => parseFloat(svg.getAttribute(size) ?? ''));
    svg.setAttribute('viewBox', `0 0 ${wide} ${high}`);
    for (const size of ['width', 'height']) svg.removeAttribute(size);
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', `Score of ${this.work.title}`);
    svg.classList.add('sheet');
    this.paper.replaceChildren(svg, this.needle);
    this.measures = []; // not before: as long as an engraving is there, its bars are clicked
    this.places.clear();
    return true;
  }

  /**
   * Calls back whenever the paper has another size, after the engraving that fits it has come.
   *
   * @param {number} width for which the first one was fetched, in pixels; the paper is somewhat narrower
   * @param {() => void} changed
   */
  follow(width, changed) {
    /** @type {number | undefined} */
    let margin;
    new ResizeObserver(async () => {
      const wide = this.paper.clientWidth;
      if (!wide) return; // it is not shown now
      margin ??= width - wide;
      await this.refit(wide + margin).catch(() => {}); // or else the one that is there stays
      changed();
    }).observe(this.paper);
  }

  /**
   * Makes bars and notes clickable, once the score has a size. Gives whether it did.
   *
   * @param {Music} music
   * @param {Reader} reader
   */
  layOut(music, reader) {
    const svg = this.paper.querySelector('svg');
    if (!svg || this.measures.length || !svg.getBoundingClientRect().width) return false;
    const measures = all(svg, 'g.measure', SVGGElement);
    // All are measured before the first is added: each would have the whole score laid out again.
    const boxes = measures.map(hitBox);
    const chords = reader.chords ? measures.map(chordsOf) : [];
    this.measures = measures.map((measure, place) => {
      const box = boxes[place];
      measure.prepend(box);
      measure.addEventListener('click', (event) => { if (!around(event, '.note, .clicked')) reader.toggle(place + 1); });
      for (const chord of chords[place] ?? []) openChord(chord, () => reader.chords?.(place + 1));
      const parts = partsOf(measure, music.written[place] ?? []);
      for (const { element, number } of parts) {
        if (number == null) continue;
        element.classList.add(`o${Math.min(4, music.notes[number]?.order ?? 0)}`);
        element.classList.toggle('copied', reader.isCopied(number));
        element.addEventListener('click', () => reader.explain(number));
      }
      return { measure, box, parts };
    });
    return true;
  }

  /** @param {Set<number>} bars */
  mark(bars) {
    this.measures.forEach(({ box }, place) => box.classList.toggle('kept', bars.has(place + 1)));
  }

  /** @param {Set<number>} bars whose chords are kept */
  markChords(bars) {
    this.measures.forEach(({ measure }, place) => {
      for (const chord of measure.querySelectorAll('g.harm')) chord.classList.toggle('kept', bars.has(place + 1));
    });
  }

  /** @param {number} number */
  choose(number) {
    for (const { parts } of this.measures) {
      for (const part of parts) part.element.classList.toggle('chosen', part.number === number);
    }
  }

  /**
   * Puts the needle where the melody is now.
   *
   * @param {Music} music
   * @param {number} now seconds
   * @param {boolean} on
   */
  point(music, now, on) {
    const place = Math.max(0, music.bars.filter((start) => start <= now).length - 1);
    this.needle.classList.toggle('on', Boolean(this.measures[place]) && on);
    if (!this.measures[place]) return;
    const { stops, top, height } = this.here = this.place(music, place);
    // Only moved: a needle whose place is a matter of layout would have the page laid out for every frame.
    const x = Math.round(between(stops, now) * 2) / 2;
    this.needle.style.transform = `translate(${x}px, ${top}px) scaleY(${height})`;
  }

  /**
   * Where a bar is in the paper: measured once, as long as the paper keeps its width.
   *
   * @param {Music} music
   * @param {number} place
   * @returns {Place}
   */
  place(music, place) {
    const wide = this.paper.clientWidth;
    if (wide !== this.wide) this.places.clear();
    this.wide = wide;
    const known = this.places.get(place);
    if (known) return known;
    const there = this.measures[place];
    const outer = this.paper.getBoundingClientRect();
    const staff = find(there.measure, 'g.staff', SVGGElement).getBoundingClientRect();
    const stops = there.parts.map(({ element, at }) => {
      const head = element.querySelector('.notehead') ?? element;
      return [at, head.getBoundingClientRect().left - outer.left + 4];
    });
    if (!stops.length || stops[0][0] > music.bars[place]) stops.unshift([music.bars[place], staff.left - outer.left]);
    stops.push([music.bars[place + 1] ?? music.seconds, staff.right - outer.left]);
    if (!staff.height) return { stops, top: 0, height: 0 }; // a score that is not shown has no places yet
    const found = { stops, top: staff.top - outer.top - 8, height: staff.height + 16 };
    this.places.set(place, found);
    return found;
  }

  /** Where the needle is in the window, in pixels, or null where there is none. */
  needleInWindow() {
    if (!this.here?.height) return null;
    const top = this.paper.getBoundingClientRect().top + this.here.top;
    return { top, bottom: top + this.here.height };
  }
}

/** @param {number} width in pixels @returns {'narrow' | 'wide'} */
const pageFor = (width) => (width < 640 ? 'narrow' : 'wide');

/**
 * Where a moment is between stops of (seconds, x).
 *
 * @param {number[][]} stops
 * @param {number} now
 */
function between(stops, now) {
  const later = stops.findIndex(([at]) => at > now);
  const next = Math.max(1, later === -1 ? stops.length - 1 : later);
  const [[t0, x0], [t1, x1]] = [stops[next - 1], stops[next]];
  return x0 + (x1 - x0) * Math.min(1, (now - t0) / (t1 - t0 || 1));
}

/**
 * What one clicks of a bar: all of it, and some room above and below.
 *
 * @param {SVGGElement} measure
 */
function hitBox(measure) {
  const staff = find(measure, 'g.staff', SVGGElement).getBBox();
  const top = Math.min(staff.y, ...all(measure, 'g.harm', SVGGElement).map(topOf)) - 200;
  return draw('rect', { x: staff.x, y: top, width: staff.width, height: staff.y + staff.height + 200 - top, rx: 120, class: 'hit' });
}

/**
 * The chords above a bar, and what one clicks of each.
 *
 * @param {SVGGElement} measure
 */
const chordsOf = (measure) => all(measure, 'g.harm', SVGGElement).map((chord) => {
  const { x, width } = chord.getBBox();
  const box = draw('rect', { x: x - 60, y: topOf(chord) - 60, width: width + 120, height: HIGH + 180, rx: 80, class: 'chord-hit' });
  return { chord, box };
});

/** Makes a chord clickable. @param {ReturnType<typeof chordsOf>[number]} it @param {() => void} clicked */
function openChord({ chord, box }, clicked) {
  chord.prepend(box);
  chord.classList.add('clicked');
  chord.addEventListener('click', clicked);
}

/** About how high a chord name is, in the engraving's units. */
const HIGH = 400;

/**
 * Where a chord name begins at the top. The box that a browser gives reaches down over the notes where the name has an
 * accidental, because letters of the font for these are very high.
 *
 * @param {SVGGElement} chord
 */
const topOf = (chord) => Number(chord.querySelector('text')?.getAttribute('y') ?? chord.getBBox().y + HIGH) - HIGH;

/**
 * The notes and rests of a bar with their moments, where the engraving has as many as the melody.
 *
 * @param {SVGGElement} measure
 * @param {[number, number | null][]} written
 * @returns {Part[]}
 */
function partsOf(measure, written) {
  const elements = all(measure, 'g.note, g.rest, g.mRest', SVGElement);
  if (elements.length !== written.length) return [];
  return written.map(([at, number], i) => ({ element: elements[i], at, number }));
}
