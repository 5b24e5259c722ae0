// A melody on the page: its score, a roll of its notes, a player whose cursor runs along both, bars to keep, pins and
// a line to follow, and where every note comes from.

import { make, sentenceOf, write } from './dom.js';
import { clock, goTo, letGo, playOnly, silence, takeOver } from './player.js';
import { Roll } from './roll.js';
import { Editing } from './roll_edit.js';
import { Score } from './score.js';
import { beatsInWords } from './times.js';

/** @import { Constraints } from './constraints' */
/** @import { Music, Note, Work } from './types' */

const MEMORIES = ['no memory', 'one note', 'two notes', 'three notes', 'four notes or more'];

const HINTS = {
  listen: 'Click a note to see where it comes from.',
  pins: 'Click a place on the roll, or a note, to ask for it there. Click it again to let it go.',
  line: 'Draw a line for the melody to follow. With the keyboard: left and right choose a bar, up and down its pitch.',
};

/** Decimals of seconds up to which a sound that changes its tempo is where it should be. */
const EVEN = 1e-6;

/**
 * @typedef {object} MelodyOptions
 * @property {string} name what the melody is called here, such as "take B"
 * @property {string} [letter] the same in a letter
 * @property {number} width of the place it is shown in, in pixels
 * @property {((bars: number[]) => void) | null} [ask] asks for the other bars again; null where none can be kept
 * @property {(bars: number[]) => void} [kept] hears which bars are to be kept
 * @property {Constraints | null} [constraints] what pins and lines go to; null where none can be set
 * @property {boolean} [soon] whether its sound is fetched at once, since somebody is about to press Play
 */

export class Melody {
  /**
   * @param {Work} work
   * @param {MelodyOptions} options
   */
  constructor(work, { name, letter = '', width, ask = null, kept = () => {}, constraints = null, soon = false }) {
    this.work = work;
    this.name = name;
    this.letter = letter;
    this.ask = ask;
    this.tellKept = kept;
    this.readable = work.exports.length > 0;
    /** @type {Set<number>} bars to keep, from 1 */
    this.kept = new Set();
    /** @type {Music | null} */
    this.music = null;
    this.chosen = -1;
    this.pace = 1; // how many times faster it sounds than it was composed
    this.order = 0; // of the latest change of tempo or instrument
    /** @type {(() => void)[]} */
    this.whenRead = [];

    this.score = new Score(work);
    this.roll = new Roll({
      keeps: ask != null,
      words: words(constraints != null),
      toggle: (bar) => this.toggle(bar),
      explain: (number) => this.explain(number),
      seek: (seconds) => this.seek(seconds),
    });
    this.parts = parts(this);
    this.editing = constraints && new Editing(this.roll, constraints, (said) => { this.parts.explained.textContent = said; });
    this.element = together(this);
    this.listen();
    /** Settles when it can be played. */
    this.audible = new Promise((ready) => {
      for (const end of ['canplay', 'error']) this.parts.audio.addEventListener(end, ready, { once: true });
    });
    if (soon) this.parts.audio.preload = 'auto';
    /** Settles when its notes and its score are drawn, or it is said why they are not. */
    this.drawn = this.readable ? this.read(width) : Promise.resolve();
  }

  get hint() {
    const more = this.editing ? ' Drag it up or down to pin it.' : '';
    return `${this.ask ? 'Click bars to keep them. ' : ''}${HINTS.listen}${more}`;
  }

  /** @param {number} width */
  async read(width) {
    try {
      const engraved = this.score.fetch(width);
      engraved.catch(() => {}); // it is heard of below
      const answer = await fetch(`works/${this.work.id}/music`);
      if (!answer.ok) throw new Error((await answer.json()).detail);
      this.show(await answer.json());
      await engraved;
      this.layOut();
      this.score.follow(width, () => this.layOut());
      // So that it plays as soon as somebody presses Play.
      this.parts.audio.preload = 'auto';
    } catch (error) {
      this.parts.explained.textContent = sentenceOf(error) || 'The notes could not be read.';
    }
  }

  /** @param {Music} music */
  show(music) {
    this.music = music;
    this.parts.copy.hidden = music.copied[0] === music.copied[1];
    this.roll.show(music);
    this.parts.explained.textContent = this.hint;
    this.editing?.draw();
    this.mark();
    this.frame(0);
    for (const heard of this.whenRead) heard();
  }

  /** Calls back once its notes are known. @param {() => void} heard */
  onRead(heard) {
    if (this.music) heard();
    else this.whenRead.push(heard);
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
    if (!this.score.layOut(music, reader)) return;
    this.mark();
    this.score.choose(this.chosen);
  }

  // --- Bars to keep

  /** @param {number[]} bars */
  keep(bars) {
    this.kept = new Set(bars);
    this.mark();
    this.tellKept(bars);
  }

  /** @param {number} bar */
  toggle(bar) {
    if (!this.ask) return;
    if (!this.kept.delete(bar)) this.kept.add(bar);
    this.mark();
    this.tellKept([...this.kept].sort((a, b) => a - b));
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

  // --- The player. Moments are in seconds of the melody as it was composed.

  get plays() {
    return !this.parts.audio.paused;
  }

  /** The moment that sounds. */
  now() {
    return this.parts.audio.currentTime * this.pace;
  }

  /** @param {number} seconds */
  seek(seconds) {
    goTo(this.parts.audio, seconds / this.pace);
    this.roll.head.classList.add('on');
    this.frame(seconds);
  }

  /** Shows the moment that sounds, and goes on while it plays. @param {number} [at] while it does not */
  frame(at) {
    const { music, parts: { time } } = this;
    if (!music) return;
    const now = Math.min(at != null && !this.plays ? at : this.now(), music.seconds);
    write(time, `${clock(now / this.pace + EVEN)} of ${clock(music.seconds / this.pace)}`);
    this.roll.point(now, this.plays);
    this.score.point(music, now, this.roll.head.classList.contains('on'));
    if (this.plays) requestAnimationFrame(() => this.frame());
  }

  async play() {
    const { audio, play, explained } = this.parts;
    if (!audio.paused) return silence();
    play.textContent = '… One moment';
    if (!await playOnly(audio)) explained.textContent = 'This could not be played; download its sound instead.';
    this.showPlays(this.plays);
  }

  /** @param {boolean} plays */
  showPlays(plays) {
    this.parts.play.textContent = plays ? '❚❚ Pause' : '▶ Play';
    this.parts.play.setAttribute('aria-label', `${plays ? 'Pause' : 'Play'} ${this.name}`);
  }

  /** Whether this is its sound. @param {HTMLAudioElement | null} audio */
  holds(audio) {
    return audio === this.parts.audio;
  }

  /**
   * Sounds at this tempo and with this instrument from now on, and says so in what is saved. It is not composed again.
   *
   * @param {{tempo: number | null, instrument: string}} how null and "" for those it was composed with
   */
  async perform({ tempo, instrument }) {
    if (!this.readable) return;
    const order = ++this.order;
    const asked = new URLSearchParams();
    if (tempo) asked.set('tempo', String(tempo));
    if (instrument) asked.set('instrument', instrument);
    const query = asked.size ? `?${asked}` : '';
    for (const { link, address } of this.parts.saveAs) link.href = `${address}${query}${query ? '&' : '?'}download=true`;
    this.parts.saying.textContent = [tempo && `at ${beatsInWords(tempo, this.music?.meter ?? '4/4')}`, instrument && `for ${instrument}`].filter(Boolean).join(' ');
    const composed = this.music?.tempo ?? 120;
    const pace = tempo ? tempo / composed : 1;
    const next = make('audio', { 'data-sounds': query });
    const before = this.parts.audio;
    const faster = pace / this.pace;
    this.hearOf(next, () => { this.pace = pace; });
    try {
      const address = `works/${this.work.id}/as/wav${query}`;
      if (!await takeOver(before, next, address, faster, () => order === this.order)) return; // another change came
    } catch {
      if (order !== this.order) return;
      this.parts.explained.textContent = 'This could not be played; choose another instrument or tempo.';
      before.playbackRate = 1;
      return;
    }
    this.pace = pace;
    this.parts.audio = next;
    before.replaceWith(next);
    letGo(before);
    this.frame(this.now());
    const told = instrument && await this.reach(instrument);
    if (order === this.order) this.parts.explained.textContent = told || this.hint;
  }

  /** What is said of notes that an instrument does not have; "" where it has all. @param {string} instrument */
  async reach(instrument) {
    const answer = await fetch(`works/${this.work.id}/reach?${new URLSearchParams({ instrument })}`).catch(() => null);
    return answer?.ok ? String((await answer.json()).told) : '';
  }

  /**
   * @param {HTMLAudioElement} audio
   * @param {() => void} [first] called before anything is shown of it
   */
  hearOf(audio, first = () => {}) {
    audio.addEventListener('playing', () => {
      first();
      if (this.parts.audio !== audio) this.parts.audio = audio;
      this.showPlays(true);
      this.roll.head.classList.add('on');
      requestAnimationFrame(() => this.frame());
    });
    for (const end of ['pause', 'ended']) {
      audio.addEventListener(end, () => {
        if (this.parts.audio !== audio) return;
        this.showPlays(false);
        this.frame();
      });
    }
  }

  // --- What the visitor does

  listen() {
    const { roll, parts: { audio, play, origins, copy, wipe, again, pinning, lining, clear, whole, legend } } = this;
    roll.notes.addEventListener('keydown', (event) => this.key(event));
    play.addEventListener('click', () => this.play());
    this.hearOf(audio);
    origins.addEventListener('click', () => {
      const on = turned(origins);
      this.element.classList.toggle('by-origin', on);
      legend.hidden = !on;
    });
    copy.addEventListener('click', () => this.element.classList.toggle('by-copy', turned(copy)));
    wipe.addEventListener('click', () => this.keep([]));
    again.addEventListener('click', () => this.ask?.([...this.kept].sort((a, b) => a - b)));
    pinning.addEventListener('click', () => this.turn(turned(pinning) ? 'pins' : 'listen'));
    lining.addEventListener('click', () => this.turn(turned(lining) ? 'line' : 'listen'));
    clear.addEventListener('click', () => this.editing?.constraints.set('contour', []));
    whole.addEventListener('click', () => roll.element.classList.toggle('whole', turned(whole)));
    const { editing } = this;
    const off = editing?.constraints.on(() => this.showClear());
    this.dispose = () => {
      editing?.dispose();
      off?.();
    };
  }

  /** It is not on the page any more: nothing is drawn on it again. What plays of it plays on. */
  dispose = () => {};

  /** @param {'listen' | 'pins' | 'line'} mode what a click on the roll does */
  turn(mode) {
    const { pinning, lining, whole, explained } = this.parts;
    pinning.setAttribute('aria-pressed', String(mode === 'pins'));
    lining.setAttribute('aria-pressed', String(mode === 'line'));
    // A line is drawn over the whole tune.
    whole.setAttribute('aria-pressed', String(mode === 'line'));
    this.roll.element.classList.toggle('whole', mode === 'line');
    this.editing?.turn(mode);
    this.showClear();
    explained.textContent = mode === 'listen' ? this.hint : HINTS[mode];
  }

  showClear() {
    const drawn = this.editing?.constraints.list('contour').length;
    this.parts.clear.hidden = this.editing?.mode !== 'line' || !drawn;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { music, chosen } = this;
    if (!music || event.ctrlKey || event.metaKey || event.altKey) return;
    const note = music.notes[chosen];
    if (this.editing?.key(event, chosen)) return event.preventDefault();
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -1e6, End: 1e6 }[event.key];
    if (step) this.explain(Math.max(0, Math.min(music.notes.length - 1, chosen + step)));
    else if (event.key === ' ') {
      if (note && !this.plays) this.seek(note.at);
      this.play();
    } else if (event.key === 'k' && note) this.toggle(note.bar);
    else return undefined;
    return event.preventDefault();
  }
}

/** A button that is on or off is turned. @param {HTMLElement} button */
function turned(button) {
  const on = button.getAttribute('aria-pressed') !== 'true';
  button.setAttribute('aria-pressed', String(on));
  return on;
}

// --- In words

/** What the roll is. @param {boolean} pins whether notes can be pinned on it */
const words = (pins) =>
  'The notes. Left and right go from note to note and say where each comes from. Space plays from there, K keeps its bar.'
  + (pins ? ' Up and down pin another pitch in its place, Enter pins the note itself, Delete removes the pin.' : '');

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
    && ` How likely it is: ${percent(note.before)} in the style, ${percent(note.after)} with your constraints.`;
  return [
    make('strong', {}, `${note.name} in bar ${note.bar}`),
    note.order != null && ` follows ${memory(note.order)}${songs ? ` as in ${songs}` : ''}.`,
    likely,
    note.returns && ` It repeats bar ${note.returns}.`,
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
  const saveAs = work.exports.map((form) => {
    const address = `works/${work.id}/as/${form.name}`;
    return { address, link: make('a', { class: 'button small', href: `${address}?download=true`, download: '' }, form.label) };
  });
  return {
    explained: make('p', { class: 'explained', 'aria-live': 'polite' }),
    time: make('span', { class: 'time' }, '0:00'),
    audio: make('audio', { preload: 'none', src: readable ? `works/${work.id}/as/wav` : work.file }),
    play: make('button', { type: 'button', class: 'play solid', 'aria-label': `Play ${name}` }, '▶ Play'),
    origins: make('button', small, 'Colour by origin'),
    pinning: make('button', { ...small, title: 'Click a place on the roll to ask for a note there' }, 'Pin notes'),
    lining: make('button', { ...small, title: 'Draw a line on the roll for the melody to follow' }, 'Draw a line'),
    clear: make('button', { type: 'button', class: 'small plain', hidden: true }, 'Clear the line'),
    whole: make('button', { ...small, title: 'See all bars at once' }, 'Whole tune'),
    wipe: make('button', { type: 'button', class: 'small plain', hidden: true }, 'Keep none'),
    again: make('button', { type: 'button', class: 'again' }),
    legend: make('p', { class: 'legend', hidden: true }, 'Known after ',
      ...MEMORIES.map((said, order) => make('span', {}, make('i', { class: `o${order}` }), said))),
    copy: make('button', { ...small, class: 'small plain', hidden: true }, 'Show it'),
    saveAs,
    saying: make('span', { class: 'saying', 'aria-live': 'polite' }),
  };
}

/** @param {Melody} melody */
function together({ work, readable, ask, editing, score, roll, parts: part }) {
  const { facts } = work;
  const head = [facts.meter, facts.key, facts.bars && `${facts.bars} bar${facts.bars === 1 ? '' : 's'}`, facts.range && `from ${facts.range}`];
  const finding = (/** @type {string} */ term, /** @type {any} */ said, /** @type {any[]} */ ...more) =>
    said && make('li', {}, make('strong', {}, `${term}: `), said, ...more);
  return make('div', { class: 'melody', 'data-work': work.id },
    make('p', { class: 'facts' }, head.filter(Boolean).join(' · ')),
    make('div', { class: 'player' }, part.play, part.time, part.audio),
    readable && score.paper,
    readable && make('div', { class: 'roll-tools', role: 'group', 'aria-label': 'The roll' },
      editing && part.pinning, editing && part.lining, part.whole, part.origins, editing && part.clear),
    readable && roll.element,
    readable && part.legend,
    readable && part.explained,
    ask && make('div', { class: 'deeds' }, part.again, part.wipe),
    make('details', { class: 'about' }, make('summary', {}, 'About this tune'),
      make('ul', { class: 'findings' },
        finding('Form', facts.form),
        finding('Copied', facts.copying, ' ', part.copy),
        finding('Chance', facts.chance),
        finding('Learnt from', facts['learnt from']),
        finding('Note', facts.remarks))),
    readable && make('div', { class: 'exports' }, make('span', {}, 'Save as'), part.saying, ...part.saveAs.map(({ link }) => link)));
}
