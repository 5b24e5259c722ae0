// Songs, step by step: each request is a step with one take or several; one goes back and forward through the steps,
// and builds a form of sections that were put aside.

import { onDials } from './address.js';
import { all, around, find, inSight, make, smoothly } from './dom.js';
import { keepBars } from './news.js';
import { entrance, letterOf, Requests } from './several.js';
import { SongCard } from './song_card.js';
import { keptInWords } from './song_keeping.js';
import { Shelf } from './song_shelf.js';

/** @import { WayOut, Widget, Work } from './types' */
/** @import { Made } from './several' */

const TAB = 'songs';

/** @typedef {Widget<{example?: Work | null, starts: {name: string, label: string}[]}>} SongWidget */
/** @typedef {{works: Work[], at: number, example?: boolean}} Step at: the take that is seen, and heard where all are. example: nobody asked for it */
/** @typedef {{steps: Step[], at: number, aside: import('./song_shelf').Aside[]}} Remembered */

export const { open, pressed, askOnceMore } = entrance(TAB, (widget) => new SongRoom(widget));

class SongRoom extends Requests {
  /** @param {SongWidget} widget */
  constructor(widget) {
    super(widget, find(widget.element, '.song-room'), { tab: TAB, button: 'song-button', one: 'a song', making: 'Making', told: { chords: 'the chords' } });
    this.songs = find(this.element, '.song-place');
    /** @type {Map<string, SongCard>} by the id of the work */
    this.cards = new Map();
    /** @type {Step[]} */
    this.steps = [];
    this.at = -1;
    /** @type {string | null} */
    this.keptOf = null; // the song of which something is kept, by the id of its work
    this.abreast = false;
    this.shelf = new Shelf((sections) => this.build(sections), () => this.keepSteps(), () => find(this.songs, '.again').focus());
    this.songs.after(this.shelf.element);
    this.settings = find(this.element, '[data-settings]', HTMLInputElement);
    this.element.addEventListener('click', (event) => {
      const deed = around(event, '[data-do]')?.dataset.do;
      if (deed === 'undo') this.step(this.at - 1);
      if (deed === 'redo') this.step(this.at + 1);
      if (deed === 'abreast') this.setAbreast(!this.abreast);
    });
    // A button that can no longer be pressed loses the focus, so the whole page listens.
    document.addEventListener('keydown', (event) => this.key(event));
    for (const starts of all(this.element, '.starts')) {
      starts.append(...widget.props.starts.map(({ name, label }) =>
        make('button', { type: 'button', class: 'small', onclick: () => this.start(name) }, label)));
    }
    this.hearDials();
    this.findSteps();
  }

  // --- After a reload

  /** The steps stay as long as the browser's tab is open. */
  keepSteps() {
    try {
      sessionStorage.setItem(STEPS, JSON.stringify({ steps: this.steps.slice(-MOST_STEPS), at: this.at - Math.max(0, this.steps.length - MOST_STEPS), aside: this.shelf.sections }));
    } catch { /* a browser that keeps nothing forgets them with the page */ }
  }

  findSteps() {
    try {
      /** @type {Remembered} */
      const { steps, at, aside } = JSON.parse(sessionStorage.getItem(STEPS) ?? '');
      if (!steps[at]?.works.length) return;
      this.steps = steps;
      this.at = at;
      this.shelf.set(aside);
    } catch {
      return;
    }
    this.draw();
  }

  /** A first song, by a press. @param {string} name */
  start(name) {
    this.forget();
    this.pressedAt('work');
    this.progress('Getting ready');
    this.widget.trigger('start', { name });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 'z') return;
    const typing = event.target instanceof HTMLTextAreaElement
      || (event.target instanceof HTMLInputElement && event.target.type === 'text');
    if (typing || !inSight(this.element)) return;
    event.preventDefault();
    this.step(this.at + (event.shiftKey ? 1 : -1));
  }

  // --- Asking

  /** Settings that were changed since the songs were made may be asked with. */
  hearDials() {
    let before = '';
    onDials(TAB, (dials) => {
      const now = JSON.stringify(dials.filter(([name]) => !NO_CHANGE.includes(name)));
      if (before && now !== before && this.steps.length) this.changedSettings(true);
      before = now;
    });
  }

  /** @param {boolean} changed */
  changedSettings(changed) {
    find(this.element, '.settings-too').hidden = !changed;
    this.settings.checked = changed;
  }

  more() {
    return { with_dials: this.settings.checked && !this.asking?.build };
  }

  /** @param {WayOut} way */
  letKeptGo(way) {
    if (!way.field.startsWith('keep') || !this.asking) return false;
    this.asking.kept = { ...this.asking.kept, [way.field]: way.value };
    return true;
  }

  /** A song of sections that were put aside. @param {import('./song_shelf').Aside[]} sections */
  build(sections) {
    if (!sections.length) return;
    this.again({ id: sections[0].work, kept: {}, build: sections.map(({ work, name }) => [work, name]), one: true });
  }

  // --- Showing

  /** As long as nothing was asked for, a song that is here already is shown. @param {Work} example */
  drawExample(example) {
    if (this.steps.length) return;
    this.remember([example]);
    this.steps[0].example = true;
    this.draw();
  }

  /** @param {Made[]} made */
  show(made) {
    this.remember(made.map(({ work }) => work));
    this.intoSight();
    this.say(`${made.at(-1)?.work.title} is here.`);
  }

  /** @param {Work} work @param {number[]} bars */
  offer(work, bars) {
    this.remember([work], true);
    this.asking = { id: work.id, kept: { keep: bars.map(String) }, one: false };
    this.card(work, 0).keep(bars);
  }

  /**
   * @param {Work[]} works a new step, or more takes of the latest; a step that is there already is not taken again
   * @param {boolean} [goes] whether one goes back to it then
   */
  remember(works, goes = false) {
    const begins = (/** @type {Step} */ step) => step.works.every((work, place) => work.id === works[place]?.id);
    const known = this.steps.findIndex((step) => step.works.length === works.length && begins(step));
    if (known >= 0) {
      if (goes) this.step(known);
      return;
    }
    const now = this.steps[this.at];
    if (now && now.works.length < works.length && begins(now)) now.works = works;
    else {
      // What came with the studio is a step only for who went on from it.
      if (now?.example && this.asking?.id !== now.works[0].id) this.steps = [];
      this.at = Math.min(this.at, this.steps.length - 1);
      this.steps.splice(this.at + 1, Infinity, { works, at: 0 });
      this.at = this.steps.length - 1;
      this.changedSettings(false);
    }
    this.draw();
  }

  /** @param {number} to */
  step(to) {
    if (to < 0 || to >= this.steps.length) return;
    this.at = to;
    this.draw();
  }

  /** @param {number} take */
  async choose(take) {
    const step = this.steps[this.at];
    const before = this.card(step.works[step.at], step.at);
    const { plays, ended } = before.sound;
    const now = ended ? 0 : before.sound.now();
    const bar = before.music ? barAt(before, now) : 0;
    before.sound.stop();
    step.at = take;
    this.draw();
    const next = this.card(step.works[take], take);
    await next.reading;
    if (next.music) next.seek(bar ? timeOf(next, bar) : Math.min(now, next.music.bars[0]));
    if (plays) next.play();
  }

  /** @param {boolean} abreast whether all takes of a step are seen side by side */
  setAbreast(abreast) {
    this.abreast = abreast;
    this.draw();
  }

  /** The width of each of so many songs side by side, in pixels. @param {number} several */
  widthOf(several) {
    return this.widget.element.clientWidth / Math.min(2, several);
  }

  /** @param {Work} work @param {number} place */
  card(work, place) {
    const there = this.cards.get(work.id);
    if (there) return there;
    const made = new SongCard(work, {
      name: `take ${letterOf(place)}`,
      width: this.widthOf(this.abreast ? 2 : 1),
      ask: (kept, how) => this.again({ id: work.id, kept, one: how?.one ?? false }),
      aside: (section) => this.shelf.put(section),
      kept: (keeping) => this.tellKept(work, keeping),
    });
    this.cards.set(work.id, made);
    return made;
  }

  /** The chips say what is kept of a song that is shown, and of no other. @param {Work[]} shown */
  tellShown(shown) {
    if (this.keptOf && !shown.some(({ id }) => id === this.keptOf)) {
      keepBars({ tab: TAB, id: this.keptOf, bars: [], keep: () => {} });
      this.keptOf = null;
    }
    for (const work of shown) {
      const keeping = this.cards.get(work.id)?.keeping;
      if (keeping && !keeping.isEmpty && this.keptOf !== work.id) this.tellKept(work, keeping);
    }
  }

  /**
   * The chips ask whether a song can be that keeps this.
   *
   * @param {Work} work
   * @param {import('./song_keeping').Keeping} keeping
   */
  tellKept(work, keeping) {
    if (!keeping.isEmpty) this.keptOf = work.id;
    else if (this.keptOf === work.id) this.keptOf = null;
    const asked = keeping.asked();
    keepBars({
      tab: TAB,
      id: work.id,
      bars: keeping.isEmpty ? [] : [...keeping.allBars(), 0],
      text: keptInWords(keeping),
      asked: { ...asked, with_dials: this.settings.checked },
      keep: () => { if (!keeping.isEmpty) keeping.clear(); },
      change: (field, value) => keeping.change(field, value),
    });
  }

  draw() {
    const step = this.steps[this.at];
    if (!step) return;
    const several = step.works.length > 1;
    const shown = this.abreast && several ? step.works : [step.works[step.at]];
    const cards = shown.map((work) => this.card(work, step.works.indexOf(work)));
    this.tellShown(shown);
    for (const other of this.cards.values()) if (!cards.includes(other)) other.sound.stop();
    const focused = this.songs.contains(document.activeElement);
    const there = [...this.songs.children];
    if (there.length !== cards.length || cards.some(({ element }, place) => element !== there[place])) {
      this.songs.replaceChildren(...cards.map(({ element }) => element));
    }
    const { reading, parts } = cards[0];
    // Whoever asked for it with the keyboard goes on there.
    if (focused) reading.then(() => { if (document.activeElement === document.body) parts.play.focus({ preventScroll: true }); });
    this.songs.classList.toggle('abreast', shown.length > 1);
    for (const card of cards) {
      card.showName(shown.length > 1);
      card.fit(this.widthOf(shown.length));
    }
    const bar = find(this.element, '.steps');
    bar.hidden = this.steps.length < 2 && !several;
    const [undo, redo] = ['undo', 'redo'].map((deed) => find(bar, `[data-do=${deed}]`, HTMLButtonElement));
    const stepping = document.activeElement === undo || document.activeElement === redo;
    undo.disabled = this.at === 0;
    redo.disabled = this.at === this.steps.length - 1;
    if (stepping) (undo.disabled ? redo : redo.disabled ? undo : null)?.focus();
    const abreast = find(bar, '[data-do=abreast]');
    abreast.hidden = !several;
    abreast.setAttribute('aria-pressed', String(this.abreast));
    find(bar, '.letters').replaceChildren(...(several ? step.works : []).map((_, place) => make('button', {
      type: 'button',
      class: 'small',
      'aria-pressed': String(place === step.at),
      'aria-label': `Take ${letterOf(place)}`,
      onclick: () => this.choose(place),
    }, letterOf(place))));
    find(bar, '.where').textContent = this.steps.length > 1 ? `Step ${this.at + 1} of ${this.steps.length}` : '';
    this.element.classList.add('full');
    this.element.classList.toggle('example', Boolean(step.example));
    this.keepSteps();
  }

  /** A song that was asked for far from it is brought into sight. */
  intoSight() {
    if ((this.place !== 'button' && !this.asking?.build) || !inSight(this.element)) return;
    const sheet = find(this.songs, '.paper').getBoundingClientRect();
    if (sheet.bottom < SEEN || sheet.top > window.innerHeight - SEEN) {
      window.scrollBy({ top: this.element.getBoundingClientRect().top - 16, behavior: smoothly() });
    }
  }
}

/** Pixels of a lead sheet that are enough to notice it. */
const SEEN = 120;

/** Under which the browser keeps the steps, and how many. */
const STEPS = 'studio-songs-steps';
const MOST_STEPS = 20;

/** Settings that change nothing of a song. */
const NO_CHANGE = ['takes', 'seed', 'style'];

/** Which bar sounds, with its fraction; 0 before the first. @param {SongCard} card @param {number} now */
function barAt(card, now) {
  const bars = card.music?.bars ?? [];
  const place = bars.filter((start) => start <= now).length;
  if (!place) return 0;
  const end = bars[place] ?? card.music?.end ?? card.music?.seconds ?? now;
  return place + Math.min(0.999, (now - bars[place - 1]) / (end - bars[place - 1] || 1));
}

/** @param {SongCard} card @param {number} bar */
function timeOf(card, bar) {
  const bars = card.music?.bars ?? [0];
  const place = Math.min(bars.length, Math.floor(bar));
  const end = bars[place] ?? card.music?.end ?? card.music?.seconds ?? 0;
  return bars[place - 1] + (bar - Math.floor(bar)) * (end - bars[place - 1]);
}
