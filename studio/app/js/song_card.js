// A song on the page: its lead sheet, its sections, its band with a mixer, and what is kept of each.

import { addressOfWork, go } from './address.js';
import { around, make, sentenceOf, smoothly, write } from './dom.js';
import { clock } from './player.js';
import { Score } from './score.js';
import { fromRuns, inRuns, keptInWords, Keeping } from './song_keeping.js';
import { SongSound } from './song_sound.js';

/** @import { Music, Song, SongPart, Work } from './types' */
/** @import { Strip } from './mixer' */
/** @import { Aside } from './song_shelf' */

/**
 * @typedef {object} CardOptions
 * @property {string} name what it is called here, such as "take A"
 * @property {number} width of the place it is shown in, in pixels
 * @property {(kept: Record<string, any>, how?: {one?: boolean}) => void} ask asks for the rest again
 * @property {(section: Aside) => void} aside puts a section aside, for another song
 * @property {(keeping: Keeping) => void} kept hears what is kept now
 */

export class SongCard {
  /**
   * @param {Work} work
   * @param {CardOptions} options
   */
  constructor(work, { name, width, ask, aside, kept }) {
    this.work = work;
    this.name = name;
    this.ask = ask;
    this.aside = aside;
    /** @type {Music | null} */
    this.music = null;
    /** @type {Song | null} */
    this.song = null;
    this.keeping = new Keeping(() => {
      this.mark();
      kept(this.keeping);
    });
    /** @type {Map<string, Strip>} */
    this.strips = new Map();
    /** Whether the needle was in view, and the second of the song in which that was looked at. */
    this.followed = false;
    this.lookedAt = -Infinity;
    this.coming = 0; // the next frame
    /** Pixels of the window that lie under what stays in sight. */
    this.covered = { above: 0, below: 0 };
    this.score = new Score(work);
    this.sound = new SongSound(work.id, () => this.heard());
    this.parts = elements(this);
    this.element = together(this);
    this.listen();
    this.reading = this.read(width);
    this.showName(false);
  }

  /** @param {number} width */
  async read(width) {
    try {
      const engraved = this.score.fetch(width);
      engraved.catch(() => {}); // it is awaited below
      [this.music, this.song] = await Promise.all([read(`works/${this.work.id}/music`), read(`works/${this.work.id}/song`)]);
      this.show();
      await engraved;
      this.layOut();
      this.score.follow(width, () => this.layOut());
    } catch (error) {
      this.parts.told.textContent = sentenceOf(error) || 'The song could not be read.';
    } finally {
      this.element.classList.remove('reading');
    }
  }

  /** Says which take it is, where several are seen. @param {boolean} several */
  showName(several) {
    this.parts.letter.textContent = this.name.replace('take ', '');
    this.parts.letter.hidden = !several;
  }

  show() {
    const { music, song } = this;
    if (!music || !song) return;
    this.keeping.song = song;
    this.parts.seek.max = String(music.seconds);
    this.frame(0);
    for (const part of song.parts) {
      const { level, pan, mute, solo } = part;
      this.strips.set(part.name, { level, pan, mute, solo });
    }
    this.parts.sections.replaceChildren(...song.sections.map((_, place) => this.section(place)));
    this.parts.band.replaceChildren(...this.strip('tune', 'Tune'), ...this.strip('chords', 'Chords'),
      ...song.parts.flatMap((part) => (part.plays === 'tune' ? [] : this.strip(part.name, part.name, part))));
    const lead = song.parts.find((part) => part.plays === 'tune');
    if (lead) this.parts.band.replaceChild(this.strip('tune', lead.name, lead)[0], this.parts.band.children[0]);
    this.parts.what.replaceChildren(
      make('option', { value: 'lead' }, 'Lead sheet'),
      ...(song.parts.length ? [make('option', { value: 'score' }, 'Full score')] : []),
      ...song.parts.map((part) => make('option', { value: part.name }, part.name)));
    this.parts.exports.hidden = false;
    this.parts.stems.hidden = !song.parts.length;
    this.parts.stems.href = `works/${this.work.id}/stems.zip`;
    this.parts.lyrics.replaceChildren(...wordsOf(song.words, (bar) => this.goToBar(bar)));
    const offers = song.offers.map(({ label, field, value }) =>
      make('button', { type: 'button', class: 'small', onclick: () => this.ask({ [field]: value }, { one: true }) }, label));
    const laid = song.laid ? [make('span', {}, song.laid, ' ')] : [];
    this.parts.told.replaceChildren(...(offers.length || laid.length ? [...laid, ...offers] : [HINT]));
    this.aim();
    this.mark();
  }

  /** Engraves it anew where the place has another width. @param {number} width in pixels */
  async fit(width) {
    await this.reading;
    if (!this.music || !await this.score.refit(width)) return;
    this.layOut();
  }

  layOut() {
    const { music } = this;
    if (!music) return;
    const reader = {
      toggle: (/** @type {number} */ bar) => this.keeping.toggleBar(bar),
      explain: (/** @type {number} */ number) => this.explain(number),
      isCopied: () => false,
      chords: (/** @type {number} */ bar) => this.keeping.toggleChords(bar),
    };
    if (this.score.layOut(music, reader)) this.mark();
  }

  // --- Sections and parts

  /** @param {number} place */
  section(place) {
    const { letter, first, bars } = /** @type {Song} */ (this.song).sections[place];
    const name = this.keeping.sectionName(place);
    const keep = make('button', { type: 'button', class: 'keep', 'aria-pressed': 'false', 'data-section': name, onclick: () => this.keeping.toggleSection(place) },
      make('strong', {}, letter), make('span', { class: 'small' }, `${first}–${first + bars - 1}`));
    const vary = make('button', { type: 'button', class: 'small plain', title: `Keep everything else, and ask for section ${name} again`, onclick: () => this.vary(place) }, 'Vary');
    const aside = make('button', { type: 'button', class: 'small plain', title: `Set section ${name} aside, to build another song from it`, 'aria-label': `Set aside section ${name}`, onclick: () => this.aside({ work: this.work.id, title: this.work.title, name, bars }) }, 'Set aside');
    return make('li', {}, keep, make('span', { class: 'pair' }, vary, aside));
  }

  /** All but this section is kept. Where it returns elsewhere in the form, it gets another ending here. @param {number} place */
  vary(place) {
    const song = /** @type {Song} */ (this.song);
    const { letter } = song.sections[place];
    const letters = song.sections.map((each) => each.letter);
    const alone = letters.filter((each) => each === letter).length === 1;
    const others = [...new Set(letters.filter((each, other) => (alone ? each !== letter : other !== place)))];
    /** @type {Record<string, any>} */
    const kept = { keep_sections: others };
    if (!alone) kept.form = letters.map((each, other) => (other === place ? `${each}'` : each)).join('');
    this.ask(kept);
  }

  /**
   * @param {string} name as the recipe calls it
   * @param {string} label
   * @param {SongPart} [part]
   */
  strip(name, label, part) {
    const keep = make('button', { type: 'button', class: 'small keep', 'aria-pressed': 'false', 'data-part': name, 'aria-label': `Keep ${label}`, onclick: () => this.keeping.togglePart(name) }, 'Keep');
    if (!part) return [make('li', {}, make('span', { class: 'name' }, label), keep)];
    const set = () => this.strips.get(part.name) ?? { level: part.level, pan: part.pan, mute: false, solo: false };
    const change = (/** @type {Partial<Strip>} */ to) => {
      this.strips.set(part.name, { ...set(), ...to });
      this.mixed();
    };
    const toggle = (/** @type {'mute' | 'solo'} */ what, /** @type {string} */ words) => {
      const button = make('button', { type: 'button', class: 'small', 'aria-pressed': String(part[what]), 'aria-label': `${words} ${label}`, 'data-mix': what }, words);
      button.addEventListener('click', () => {
        change({ [what]: !set()[what] });
        button.setAttribute('aria-pressed', String(set()[what]));
      });
      return button;
    };
    const level = make('input', { type: 'range', min: -40, max: 12, step: 0.5, value: part.level, 'aria-label': `Level of ${label}, in LU` });
    level.addEventListener('input', () => change({ level: Number(level.value) }));
    const pan = make('input', { type: 'range', min: -1, max: 1, step: 0.05, value: part.pan, 'aria-label': `${label} from left to right` });
    pan.addEventListener('input', () => change({ pan: Number(pan.value) }));
    if (part.rests) return [make('li', {}, make('span', { class: 'name' }, label), make('span', { class: 'rests' }, 'plays no note here'), keep)];
    return [make('li', { 'data-strip': part.name },
      make('span', { class: 'name' }, label), keep, toggle('mute', 'Mute'), toggle('solo', 'Solo'),
      make('label', { class: 'level' }, make('span', {}, 'Level'), level),
      make('label', { class: 'pan' }, make('span', {}, 'Pan'), pan))];
  }

  /** Fetches the parts one by one, before one of them is mixed. */
  prepare() {
    if (this.song?.parts.length) this.sound.prepare(this.song.parts, this.strips);
  }

  async mixed() {
    const song = /** @type {Song} */ (this.song);
    this.parts.mix.hidden = false;
    this.parts.band.setAttribute('aria-busy', 'true');
    try {
      await this.sound.mix(song.parts, this.strips, (here, all) => {
        this.parts.mixing.textContent = here < all ? `Getting the parts ready: ${here} of ${all} …` : '';
      });
      this.parts.mixing.textContent = '';
    } catch (error) {
      this.parts.mixing.textContent = sentenceOf(error);
    }
    this.parts.band.removeAttribute('aria-busy');
  }

  /** The mix as the recipe has it: what differs from the band's own. */
  written() {
    const song = /** @type {Song} */ (this.song);
    return song.parts.flatMap((part) => {
      const now = this.strips.get(part.name);
      if (!now) return [];
      const words = [now.level !== part.base && String(now.level), `pan ${now.pan}`, now.mute && 'mute', now.solo && 'solo'];
      const same = now.level === part.base && now.pan === part.pan && !now.mute && !now.solo;
      return same ? [] : [`${part.name}=${words.filter(Boolean).join(',')}`];
    });
  }

  /** A song as it is, with this mix. */
  keepMix() {
    const song = /** @type {Song} */ (this.song);
    const players = song.parts.filter((part) => part.plays !== 'tune').map((part) => part.name);
    this.ask({ keep_parts: ['tune', 'chords', ...players], mix: this.written() }, { one: true });
  }

  // --- What is kept

  /** @param {number[]} bars */
  keep(bars) {
    this.keeping.bars = new Set(bars);
    this.mark();
  }

  mark() {
    const { keeping, parts } = this;
    for (const button of parts.sections.querySelectorAll('[data-section]')) {
      button.setAttribute('aria-pressed', String(keeping.sections.has(button.getAttribute('data-section') ?? '')));
    }
    for (const button of parts.band.querySelectorAll('[data-part]')) {
      button.setAttribute('aria-pressed', String(keeping.parts.has(button.getAttribute('data-part') ?? '')));
    }
    this.score.mark(keeping.allBars());
    this.score.markChords(keeping.chords);
    for (const [box, bars] of /** @type {const} */ ([[parts.bars, keeping.bars], [parts.chords, keeping.chords]])) {
      if (document.activeElement !== box) box.value = inRuns(bars);
    }
    parts.again.textContent = keeping.isEmpty ? 'Ask again for all of it' : `Keep ${keptInWords(keeping)}, ask again for the rest`;
    parts.wipe.hidden = keeping.isEmpty;
    parts.hand.classList.toggle('stays', !keeping.isEmpty);
    parts.told.hidden = !keeping.isEmpty && parts.told.textContent === HINT;
  }

  /** @param {number} number of a note */
  explain(number) {
    const note = this.music?.notes[number];
    if (!note) return;
    this.score.choose(number);
    const songs = (note.songs ?? []).map(([title, bar]) => `“${title}”, bar ${bar}`).join(' and ');
    const place = this.keeping.placeOf(/** @type {Music} */ (this.music), number);
    const keep = make('button', { type: 'button', class: 'small', 'aria-pressed': String(this.keeping.notes.has(place)) }, 'Keep this note');
    keep.addEventListener('click', () => {
      this.keeping.toggleNote(place);
      keep.setAttribute('aria-pressed', String(this.keeping.notes.has(place)));
    });
    const source = songs ? ` as in ${songs}. ` : this.song?.counted ? '. This style comes as statistics, without its songs, so none can be named. ' : '. ';
    this.parts.told.replaceChildren(make('strong', {}, `${note.name} in bar ${note.bar}`), source, keep);
    this.parts.told.hidden = false;
    this.parts.hand.classList.add('stays'); // or it would be told below a long score
  }

  // --- The player

  async play() {
    const trouble = await this.sound.toggle();
    if (trouble) this.parts.told.textContent = trouble;
  }

  /** @param {number} seconds */
  seek(seconds) {
    this.sound.seek(seconds);
    this.frame(seconds);
  }

  /** @param {number} bar */
  goToBar(bar) {
    const { music } = this;
    if (music) this.seek(music.bars[bar - 1] ?? 0);
  }

  heard() {
    const { play } = this.parts;
    play.textContent = this.sound.plays ? '❚❚ Pause' : this.sound.waiting ? '… One moment' : '▶ Play';
    if (this.sound.plays) this.nextFrame();
  }

  /** One frame after the other, however often one hears that it plays. */
  nextFrame() {
    cancelAnimationFrame(this.coming);
    this.coming = requestAnimationFrame(() => this.frame());
  }

  /** Shows the moment that sounds. @param {number} [at] seconds, while it does not play */
  frame(at) {
    const { music, parts, sound } = this;
    if (!music) return;
    const now = Math.min(at != null && !sound.plays ? at : sound.now(), music.seconds);
    write(parts.time, `${clock(now)} of ${clock(music.seconds)}`);
    write(parts.bar, placeIn(music, now));
    const moved = Math.abs(Number(parts.seek.value) - now) >= (sound.plays ? SEEN : 0);
    if (moved && (document.activeElement !== parts.seek || sound.plays)) parts.seek.value = String(now);
    this.score.point(music, now, now >= music.bars[0] && now <= (music.end ?? music.seconds));
    if (!sound.plays) return;
    // Looking where the needle is in the window has the page laid out at once.
    if (Math.abs(now - this.lookedAt) >= SEEN) {
      this.lookedAt = now;
      this.follow();
    }
    this.nextFrame();
  }

  /** The page goes on to the next line with the needle, unless the listener has looked elsewhere. */
  follow() {
    const needle = this.score.needleInWindow();
    const { above, below } = this.covered;
    const inView = needle != null && needle.top >= above && needle.bottom <= window.innerHeight - below;
    if (this.followed && needle && !inView) window.scrollBy({ top: needle.top - Math.max(above, window.innerHeight / 4), behavior: smoothly() });
    this.followed = inView;
  }

  listen() {
    const { parts } = this;
    parts.play.addEventListener('click', () => this.play());
    parts.seek.addEventListener('input', () => this.seek(Number(parts.seek.value)));
    parts.again.addEventListener('click', () => this.ask(this.keeping.asked()));
    parts.wipe.addEventListener('click', () => this.keeping.clear());
    parts.mix.addEventListener('click', () => this.keepMix());
    parts.what.addEventListener('change', () => this.aim());
    parts.exports.addEventListener('click', (event) => this.save(event));
    // Whoever comes to the mixer is about to use it.
    for (const event of ['pointerenter', 'focusin']) parts.band.addEventListener(event, () => this.prepare(), { once: true });
    // The player stays at the top and what is kept at the bottom, over the score: they are measured once in a while.
    new ResizeObserver(() => {
      this.covered = { above: parts.player.offsetHeight, below: parts.hand.classList.contains('stays') ? parts.hand.offsetHeight : 0 };
    }).observe(parts.hand);
    const bars = () => this.music?.bars.length ?? 0;
    parts.bars.addEventListener('change', () => this.keeping.set('bars', fromRuns(parts.bars.value, bars())));
    parts.chords.addEventListener('change', () => this.keeping.set('chords', fromRuns(parts.chords.value, bars())));
  }

  /** A recording may have to be made first, which is said; the browser saves it when it is there. @param {MouseEvent} event */
  async save(event) {
    const link = /** @type {HTMLAnchorElement | null} */ (around(event, 'a[download]'));
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const { exports, saving } = this.parts;
    if (exports.ariaBusy) return; // one after the other
    exports.ariaBusy = 'true';
    saving.textContent = 'Getting it ready …';
    try {
      const answer = await fetch(link.href);
      if (!answer.ok) throw new Error((await answer.json()).detail);
      answer.body?.cancel(); // it is kept, and the browser fetches it itself
      make('a', { href: link.href, download: '' }).click();
      saving.textContent = '';
    } catch (error) {
      saving.textContent = sentenceOf(error);
    }
    exports.ariaBusy = null;
  }

  /** The links save what is chosen. */
  aim() {
    const what = encodeURIComponent(parts(this).what.value || 'lead');
    for (const link of this.parts.exports.querySelectorAll('a')) {
      const form = link.dataset.form;
      if (!form) continue;
      link.href = form === 'print'
        ? `works/${this.work.id}/print/${what}`
        : `works/${this.work.id}/parts/${what}/as/${form}?download=true`;
    }
  }
}

/** @param {SongCard} card */
const parts = (card) => card.parts;

/** @param {string} address */
async function read(address) {
  const answer = await fetch(address);
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.detail);
  return told;
}

/** Seconds that the seek bar may be behind while a song plays, and that a needle may be out of the window: either costs the page a layout. */
const SEEN = 0.2;

// --- Elements

const HINT = 'Click sections, bars, chords or parts to keep them; click a note to see where it comes from.';

/** Where in a song a moment is, in words. @param {Music} music @param {number} now seconds */
function placeIn(music, now) {
  if (now < music.bars[0] - 0.01) return now > 0 ? 'Introduction' : '';
  if (now > (music.end ?? music.seconds)) return 'Ending';
  return `Bar ${music.bars.filter((start) => start <= now + 0.01).length}`;
}

/** Formats that are offered, by their names. */
const FORMS = [['musicxml', 'MusicXML'], ['mid', 'MIDI'], ['mp3', 'MP3'], ['svg', 'Score'], ['wav', 'WAV']];

/** @param {string} example */
const numbersBox = (example) => make('input', { type: 'text', placeholder: example, maxlength: 80, size: 8, spellcheck: 'false' });

/**
 * What is worth knowing of the words: where stress and beat disagree, and what gave way.
 *
 * @param {Song['words']} words
 * @param {(bar: number) => void} goTo
 */
function wordsOf(words, goTo) {
  if (!words) return [];
  const { stresses, checked, remarks, fitted } = words;
  const said = stresses.length
    ? `In ${stresses.length} of the ${checked} words that were checked, the stress is off the beat:`
    : checked > 0 && `All ${checked} words that were checked have their stress on a beat.`;
  return [
    fitted && make('p', { class: 'small' }, make('strong', {}, 'Made to fit: '), fitted),
    said && make('p', { class: 'small' }, said),
    make('p', { class: 'pair' }, ...stresses.map(({ bar, text, word }) => make('button', { type: 'button', class: 'small', onclick: () => goTo(bar) },
      `Bar ${bar}: ${text === word ? word : `“${text}” in ${word}`}`))),
    ...remarks.map((remark) => make('p', { class: 'small' }, remark)),
  ].filter((each) => each instanceof Node);
}

/** @param {SongCard} card */
function elements({ name, sound }) {
  const stems = make('a', { class: 'button small', download: '', hidden: true, title: 'Each part alone as FLAC, as it is mixed' }, 'All stems (.zip)');
  const what = make('select', { 'aria-label': 'What is saved' });
  const saving = make('span', { class: 'saying', role: 'status' });
  return {
    play: make('button', { type: 'button', class: 'play solid', 'aria-label': `Play ${name}` }, '▶ Play'),
    time: make('span', { class: 'time' }, '0:00'),
    bar: make('span', { class: 'place' }),
    player: make('div', { class: 'player' }),
    hand: make('div', { class: 'at-hand' }),
    letter: make('span', { class: 'letter', hidden: true }),
    mixing: make('p', { class: 'small mixing', 'aria-live': 'polite' }),
    seek: make('input', { type: 'range', class: 'seek', min: 0, max: 1, step: 0.1, value: 0, 'aria-label': `Place in ${name}, in seconds` }),
    audio: sound.audio,
    sections: make('ol', { class: 'sections', 'aria-label': 'Sections to keep' }),
    told: make('p', { class: 'explained', 'aria-live': 'polite' }, 'Reading the song …'),
    lyrics: make('div', { class: 'stresses' }),
    stems,
    again: make('button', { type: 'button', class: 'again solid' }, 'Ask again for all of it'),
    wipe: make('button', { type: 'button', class: 'small plain', hidden: true }, 'Keep none'),
    bars: numbersBox('1-4 7'),
    chords: numbersBox('9-12'),
    band: make('ul', { class: 'mixer', 'aria-label': 'Parts: keep and mix them' }),
    mix: make('button', { type: 'button', class: 'small', hidden: true }, 'Keep this mix'),
    what,
    saving,
    exports: make('div', { class: 'exports', hidden: true }, make('span', {}, 'Save'), what,
      ...FORMS.map(([form, label]) => make('a', { class: 'button small', 'data-form': form, download: '' }, label)),
      make('a', { class: 'button small', 'data-form': 'print', target: '_blank', rel: 'noopener' }, 'Print view'), stems, saving),
  };
}

/** @param {SongCard} card */
function together({ work, score, parts: part }) {
  const { facts } = work;
  const open = (/** @type {MouseEvent} */ event) => {
    if (event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    go(addressOfWork(work.id));
  };
  const finding = (/** @type {string} */ term, /** @type {any} */ words) =>
    words && make('li', {}, make('strong', {}, `${term}: `), words);
  part.player.append(part.play, part.seek, part.bar, part.time, part.audio);
  part.hand.append(part.told, make('div', { class: 'deeds' }, part.again, part.wipe));
  return make('article', { class: 'song melody reading', 'data-work': work.id },
    make('header', {}, make('h2', {}, part.letter, work.title), make('a', { href: `?work=${work.id}`, onclick: open }, 'In the gallery')),
    make('p', { class: 'facts' }, [facts.key, facts.meter, facts.bars && `${facts.bars} bar${facts.bars === 1 ? '' : 's'}`].filter(Boolean).join(' · ')),
    part.player,
    part.sections,
    score.paper,
    part.lyrics,
    part.hand,
    make('details', { class: 'by-number' }, make('summary', {}, 'Keep bars by their numbers'),
      make('p', { class: 'pair' }, make('label', {}, 'Bars ', part.bars), make('label', {}, 'Chords of bars ', part.chords))),
    make('div', { class: 'parts' }, make('h3', {}, 'Parts'), part.mixing),
    part.band,
    part.mix,
    part.exports,
    make('details', { class: 'about' }, make('summary', {}, 'About this song'),
      make('ul', { class: 'findings' },
        finding('Kept', facts.kept), finding('Sections', facts.sections), finding('Chords', facts.chords),
        finding('Copied notes', facts.copying), finding('Copied chords', facts['chord copying']),
        finding('Band', facts.band), finding('Learnt from', facts['learnt from']), finding('Note', facts.remarks))));
}
