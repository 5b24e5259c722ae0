// A melody on the page: its score, a roll of its notes, a player whose cursor runs along both, bars to keep, and
// where every note comes from.

import { make, sentenceOf } from './dom.js';
import { onPins, pinned, pinsNow, toggled } from './pins.js';
import { clock, goTo, playOnly, silence } from './player.js';
import { Roll } from './roll.js';
import { Score } from './score.js';

/** @import { Music, Note, Work } from './types' */

const MEMORIES = ['no memory', 'one note', 'two notes', 'three notes', 'four notes or more'];

/**
 * @typedef {object} MelodyOptions
 * @property {string} name what the melody is called here, such as "take 2"
 * @property {number} width of the place it is shown in, in pixels
 * @property {((bars: number[]) => void) | null} [ask] asks for the other bars again; null where none can be kept
 * @property {((pins: string[]) => void) | null} [pin] sets pins; null where none can be set
 */

export class Melody {
  /**
   * @param {Work} work
   * @param {MelodyOptions} options
   */
  constructor(work, { name, width, ask = null, pin = null }) {
    this.work = work;
    this.name = name;
    this.ask = ask;
    this.pin = pin;
    this.readable = work.exports.length > 0;
    this.hint = ask
      ? 'Click bars to keep them; click a note to learn where it comes from.'
      : 'Click a note to learn where it comes from.';
    /** @type {Set<number>} bars to keep, from 1 */
    this.kept = new Set();
    /** @type {Music | null} */
    this.music = null;
    this.chosen = -1;

    this.score = new Score(work);
    this.roll = new Roll({
      keeps: ask != null,
      toggle: (bar) => this.toggle(bar),
      explain: (number) => this.explain(number),
      seek: (seconds) => this.seek(seconds),
      pin: pin && ((bar, beat, pitch) => this.togglePin(bar, beat, pitch)),
    });
    this.parts = parts(this);
    this.element = together(this);
    this.listen();
    if (this.readable) this.read(width);
  }

  /** @param {number} width */
  async read(width) {
    try {
      const answer = await fetch(`works/${this.work.id}/music`);
      if (!answer.ok) throw new Error((await answer.json()).detail);
      this.show(await answer.json());
      await this.score.fetch(width);
      this.layOut();
      new ResizeObserver(() => this.layOut()).observe(this.score.paper);
    } catch (error) {
      this.parts.explained.textContent = sentenceOf(error) || 'The notes could not be read.';
    }
  }

  /** @param {Music} music */
  show(music) {
    this.music = music;
    this.parts.copy.hidden = music.copied[0] === music.copied[1];
    this.roll.show(music);
    this.parts.time.textContent = `0:00 of ${clock(music.seconds)}`;
    this.parts.explained.textContent = this.hint;
    this.roll.drawPins(pinsNow());
    onPins((pins) => this.roll.drawPins(pins));
    this.mark();
  }

  layOut() {
    const { music } = this;
    if (!music) return;
    const isCopied = (/** @type {number} */ number) => number >= music.copied[0] && number < music.copied[1];
    const reader = {
      toggle: (/** @type {number} */ bar) => this.toggle(bar),
      explain: (/** @type {number} */ number) => this.explain(number),
      isCopied,
    };
    if (this.score.layOut(music, reader)) this.mark();
  }

  // --- Bars to keep

  /** @param {number[]} bars */
  keep(bars) {
    this.kept = new Set(bars);
    this.mark();
  }

  /** @param {number} bar */
  toggle(bar) {
    if (!this.ask) return;
    if (!this.kept.delete(bar)) this.kept.add(bar);
    this.mark();
  }

  mark() {
    this.roll.mark(this.kept);
    this.score.mark(this.kept);
    const count = this.kept.size;
    const these = count === 1 ? 'this bar' : `these ${count} bars`;
    this.parts.wipe.hidden = count === 0;
    this.parts.again.textContent =
      count === 0 ? 'Ask again for all bars' : `Keep ${these}, ask again for the others`;
  }

  // --- Where a note comes from

  /** @param {number} number */
  explain(number) {
    const note = this.music?.notes[number];
    if (!note) return;
    this.chosen = number;
    this.roll.choose(number);
    this.score.choose(number);
    this.parts.explained.replaceChildren(...origin(note));
  }

  /**
   * @param {number} bar
   * @param {number} beat
   * @param {string} pitch
   */
  togglePin(bar, beat, pitch) {
    const { pins, text, removed } = toggled(bar, beat, pitch);
    pinned(pins.join('\n'));
    this.parts.explained.textContent = removed
      ? `The pin ${text} is gone.`
      : `Pinned ${pitch} in bar ${bar} at beat ${beat}: the next takes have it there.`;
    this.pin?.(pins);
  }

  // --- The player

  /** @param {number} seconds */
  seek(seconds) {
    goTo(this.parts.audio, seconds);
    this.roll.head.classList.add('on');
    this.frame(seconds);
  }

  /** Shows the moment that sounds, and goes on while it plays. @param {number} [at] seconds, while it does not */
  frame(at) {
    const { music, parts: { audio, time } } = this;
    if (!music) return;
    const now = Math.min(at != null && audio.paused ? at : audio.currentTime, music.seconds);
    time.textContent = `${clock(now)} of ${clock(music.seconds)}`;
    this.roll.point(now, !audio.paused);
    this.score.point(music, now, this.roll.head.classList.contains('on'));
    if (!audio.paused) requestAnimationFrame(() => this.frame());
  }

  async play() {
    const { audio, play, explained } = this.parts;
    if (!audio.paused) return silence();
    play.textContent = '… One moment';
    if (!await playOnly(audio)) explained.textContent = 'This could not be played; download its sound instead.';
    if (audio.paused) play.textContent = '▶ Play';
  }

  /** Whether this is its sound. @param {HTMLAudioElement | null} audio */
  holds(audio) {
    return audio === this.parts.audio;
  }

  // --- What the visitor does

  listen() {
    const { roll, parts: { audio, play, origins, copy, wipe, again, pinning, legend } } = this;
    roll.notes.addEventListener('keydown', (event) => this.key(event));
    play.addEventListener('click', () => this.play());
    audio.addEventListener('playing', () => {
      play.textContent = '❚❚ Pause';
      roll.head.classList.add('on');
      requestAnimationFrame(() => this.frame());
    });
    for (const end of ['pause', 'ended']) {
      audio.addEventListener(end, () => { play.textContent = '▶ Play'; this.frame(); });
    }
    origins.addEventListener('click', () => {
      const on = turned(origins);
      this.element.classList.toggle('by-origin', on);
      legend.hidden = !on;
    });
    copy.addEventListener('click', () => this.element.classList.toggle('by-copy', turned(copy)));
    wipe.addEventListener('click', () => this.keep([]));
    again.addEventListener('click', () => this.ask?.([...this.kept].sort((a, b) => a - b)));
    pinning.addEventListener('click', () => this.setPinning(turned(pinning)));
  }

  /** @param {boolean} on */
  setPinning(on) {
    this.roll.pinning = on;
    this.roll.notes.classList.toggle('pinning', on);
    this.parts.explained.textContent = on
      ? 'Click a place on the roll, or a note, to ask for it there; click it again to let it go.'
      : this.hint;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { music, chosen } = this;
    if (!music) return;
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -1e6, End: 1e6 }[event.key];
    const note = music.notes[chosen];
    if (step) this.explain(Math.max(0, Math.min(music.notes.length - 1, chosen + step)));
    else if (event.key === ' ' && note) {
      this.seek(note.at);
      if (this.parts.audio.paused) this.play();
    } else if (event.key === 'Enter' && note && this.pin) this.roll.pinNote(chosen);
    else if (event.key === 'k' && note) this.toggle(note.bar);
    else return;
    event.preventDefault();
  }
}

/** A button that is on or off is turned. @param {HTMLElement} button */
function turned(button) {
  const on = button.getAttribute('aria-pressed') !== 'true';
  button.setAttribute('aria-pressed', String(on));
  return on;
}

// --- In words

/** @param {number} share */
const percent = (share) =>
  (share >= 0.095 ? `${Math.round(share * 100)} %` : `${(share * 100).toPrecision(2)} %`);

/** @param {number} order */
const memory = (order) =>
  (order === 0 ? 'nothing it remembers' : order === 1 ? 'the note before it' : `the ${order} notes before it`);

/** Where a note comes from, in words. @param {Note} note */
function origin(note) {
  const songs = (note.songs ?? []).map(([title, bar]) => `“${title}”, bar ${bar}`).join(' and ');
  const likely = note.before != null && note.after != null
    && ` In the style ${percent(note.before)} likely, with your constraints ${percent(note.after)}.`;
  return [
    make('strong', {}, `${note.name} in bar ${note.bar}`),
    note.order != null && ` follows ${memory(note.order)}${songs ? ` as in ${songs}` : ''}.`,
    likely,
    note.returns && ` It is bar ${note.returns} again.`,
  ].filter((part) => part != null && part !== false && part !== 0);
}

// --- Elements

/**
 * What a melody consists of beside its score and its roll.
 *
 * @param {Melody} melody
 */
function parts({ work, name, readable }) {
  const small = { type: 'button', class: 'small', 'aria-pressed': 'false' };
  const title = 'Click a place on the roll to ask for a note there';
  return {
    explained: make('p', { class: 'explained', 'aria-live': 'polite' }),
    time: make('span', { class: 'time' }, '0:00'),
    audio: make('audio', { preload: 'none', src: readable ? `works/${work.id}/as/wav` : work.file }),
    play: make('button', { type: 'button', class: 'play solid', 'aria-label': `Play ${name}` }, '▶ Play'),
    origins: make('button', small, 'Colour by origin'),
    pinning: make('button', { ...small, title }, 'Pin notes'),
    wipe: make('button', { type: 'button', class: 'small plain', hidden: true }, 'Keep none'),
    again: make('button', { type: 'button', class: 'again' }),
    legend: make('p', { class: 'legend', hidden: true }, 'Known after ',
      ...MEMORIES.map((words, order) => make('span', {}, make('i', { class: `o${order}` }), words))),
    copy: make('button', { ...small, class: 'small plain', hidden: true }, 'Show it'),
  };
}

/** @param {Melody} melody */
function together({ work, readable, ask, pin, score, roll, parts: part }) {
  const { facts } = work;
  const head = [facts.meter, facts.key, facts.bars && `${facts.bars} bars`, facts.range && `from ${facts.range}`];
  const finding = (/** @type {string} */ term, /** @type {any} */ words, /** @type {any[]} */ ...more) =>
    words && make('li', {}, make('strong', {}, `${term}: `), words, ...more);
  const saveAs = work.exports.map(({ name, label }) => {
    const href = `works/${work.id}/as/${name}?download=true`;
    return make('a', { class: 'button small', href, download: '' }, label);
  });
  return make('div', { class: 'melody', 'data-work': work.id },
    make('p', { class: 'facts' }, head.filter(Boolean).join(' · ')),
    make('div', { class: 'player' },
      part.play, part.time, readable && pin && part.pinning, readable && part.origins, part.audio),
    readable && score.paper,
    readable && roll.element,
    readable && part.legend,
    readable && part.explained,
    ask && make('div', { class: 'deeds' }, part.again, part.wipe),
    make('ul', { class: 'findings' },
      finding('Form', facts.form),
      finding('Copied', facts.copying, ' ', part.copy),
      finding('Chance', facts.chance),
      finding('Learnt from', facts['learnt from']),
      finding('Note', facts.remarks)),
    readable && make('div', { class: 'exports' }, make('span', {}, 'Save as'), ...saveAs));
}
