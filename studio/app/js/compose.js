// Takes of a melody: each as a score, a roll of notes that plays along, bars to keep, and where every note comes
// from.

import { addressOfWork, go, onSettings } from './address.js';
import { constraintsOf } from './constraints.js';
import { Deck } from './deck.js';
import { desk, tell } from './desks.js';
import { around, capitalised, find, inSight, make, sentenceOf, smoothly } from './dom.js';
import { pressSoon } from './gradio_page.js';
import { Melody } from './melody.js';
import { inConflict, keepBars, newJob, newWork, seen } from './news.js';
import { asked } from './server.js';
import { timeLeft } from './times.js';

/** @import { Job, WayOut, Widget, Work } from './types' */

/** The tab that these takes are on. */
const TAB = 'compose';

/** Where two takes stand side by side; style.css says the same. */
const SIDE_BY_SIDE = '(min-width: 1180px)';

/** @typedef {Widget<{example?: Work | null, instruments: string[]}>} TakesWidget */

/** @type {Takes | null} */
let takes = null;
let askSoon = false;

/** @param {TakesWidget} widget */
export function open(widget) {
  takes = new Takes(widget);
  takes.hear();
  onSettings(TAB, (settings) => widget.trigger('linked', { settings }));
  // What the browser remembers is there a moment later.
  if (!widget.props.value) setTimeout(() => widget.trigger('arrived', {}), 200);
  // Whoever was here before most likely gets their own takes back.
  setTimeout(() => takes?.drawExample(), localStorage.getItem('studio-compose') ? 3000 : 0);
  if (askSoon) setTimeout(askOnceMore, 300);
  askSoon = false;
}

/** The Compose button was pressed. @param {any[]} values */
export function pressed(...values) {
  takes?.forget();
  takes?.pressedAt('button');
  return values;
}

/** Makes the latest request once more, as soon as the takes are there. */
export function askOnceMore() {
  if (takes) takes.askOnceMore();
  else askSoon = true;
}

class Takes {
  /** @param {TakesWidget} widget */
  constructor(widget) {
    this.widget = widget;
    this.element = find(widget.element, '.compose');
    this.list = find(this.element, '.takes');
    /** @type {Map<string, {melody: Melody, item: HTMLElement}>} by the id of the work */
    this.cards = new Map();
    /** @type {Job[]} of the latest request */
    this.following = [];
    /** @type {{id: string, bars: number[]} | null} the latest request, to make it once more; null for the button */
    this.asking = null;
    /** @type {'button' | 'take'} what was pressed last: what happens is told there */
    this.place = 'take';
    this.constraints = constraintsOf(TAB);
    this.constraints.connect((field, value) => widget.trigger('constrain', { field, value }));
    this.deck = new Deck(widget.props.instruments);
    find(this.element, '.deck-place').append(this.deck.element);
    const beside = desk(TAB);
    beside.stop = () => this.stop();
    beside.relax = (way) => this.relax(way);
    widget.watch('value', () => this.hear());
    this.element.addEventListener('click', (event) => {
      const deed = around(event, '[data-do]')?.dataset.do;
      if (deed === 'dismiss') this.complain(null);
      if (deed === 'stop') this.stop();
    });
  }

  /** @param {'button' | 'take'} place */
  pressedAt(place) {
    this.place = place;
  }

  /**
   * Says what went wrong where the press was.
   *
   * @param {string | null} sentence
   * @param {WayOut[]} ways
   */
  complain(sentence, ways = []) {
    const box = find(this.element, '.trouble');
    const here = this.place === 'take' ? sentence : null;
    const button = (/** @type {WayOut} */ way) =>
      make('button', { type: 'button', class: 'small', onclick: () => this.relax(way) }, way.label);
    box.hidden = !here;
    find(box, '.sentence').textContent = here ?? '';
    find(box, '.ways').replaceChildren(...(here ? ways.map(button) : []));
    if (here) box.scrollIntoView({ block: 'nearest', behavior: smoothly() });
    tell(TAB, { trouble: this.place === 'button' ? sentence : null, ways });
  }

  /** As long as nothing was asked for, a tune that came with the studio is there to be played. */
  drawExample() {
    const { example } = this.widget.props;
    const there = find(this.element, '.example');
    if (!example || there.childElementCount || this.list.childElementCount) return;
    const melody = new Melody(example, {
      name: 'this tune',
      width: this.widget.element.clientWidth,
      ask: (bars) => this.again(example.id, bars),
      kept: (bars) => keepBars({ id: example.id, bars, keep: (left) => melody.keep(left) }),
      constraints: this.constraints,
    });
    this.deck.hold([melody]);
    there.append(make('header', {}, make('h3', {}, example.title)), melody.element);
    this.element.classList.add('shows-example');
  }

  // --- Asking

  forget() {
    this.complain(null);
    this.asking = null;
  }

  /**
   * @param {string} id
   * @param {number[]} bars
   */
  again(id, bars) {
    this.complain(null);
    this.pressedAt('take');
    this.asking = { id, bars };
    this.widget.trigger('again', { id, bars });
  }

  /** Takes of the request before that are still being made are let go: they would contradict themselves too. */
  async askOnceMore() {
    if (this.following.some(isOpen)) await this.stop();
    if (this.asking) this.again(this.asking.id, this.asking.bars);
    else pressSoon('compose-button');
  }

  /**
   * A kept bar is let go here; every other constraint has a dial, which the server sets before it asks once more.
   *
   * @param {WayOut} way
   */
  relax(way) {
    this.complain(null);
    if (way.field !== 'keep' || !this.asking) {
      this.widget.trigger('relax', { field: way.field, value: way.value });
      return;
    }
    this.asking.bars = way.value.map(Number);
    this.cards.get(this.asking.id)?.melody.keep(this.asking.bars);
    this.askOnceMore();
  }

  async stop() {
    this.progress('Stopping …');
    for (const job of this.following.filter(isOpen)) {
      try {
        await asked(this.widget.server.stop(job.id));
      } catch (error) {
        this.complain(sentenceOf(error));
      }
    }
  }

  // --- Showing

  /**
   * @param {Work} work
   * @param {number} place among the takes of its request
   */
  card(work, place) {
    const letter = String.fromCharCode(65 + place);
    const name = `take ${letter}`;
    const wide = this.widget.element.clientWidth;
    const melody = new Melody(work, {
      name,
      letter,
      width: this.abreast > 1 && matchMedia(SIDE_BY_SIDE).matches ? wide / 2 - 24 : wide,
      ask: (bars) => this.again(work.id, bars),
      kept: (bars) => keepBars({ id: work.id, bars, keep: (left) => melody.keep(left) }),
      constraints: this.constraints,
    });
    const open = (/** @type {MouseEvent} */ event) => {
      if (event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      go(addressOfWork(work.id));
    };
    const link = make('a', { href: `?work=${work.id}`, onclick: open }, 'In the gallery');
    const item = make('li', { class: 'take', 'data-work': work.id },
      make('header', {},
        make('h3', {}, make('span', { class: 'letter' }, letter), make('span', { class: 'hidden' }, ': '), work.title),
        link),
      melody.element);
    find(this.element, '[data-said]').textContent = `${capitalised(name)} is here: ${work.title}.`;
    return { melody, item };
  }

  /** How many takes stand side by side. */
  get abreast() {
    return Math.max(1, this.following.length);
  }

  /**
   * Those of an earlier request stay until the first new one is here, and what plays of them plays on until another
   * is pressed.
   *
   * @param {{work: Work, place: number}[]} made
   */
  show(made) {
    if (!made.length) return;
    this.list.dataset.abreast = String(Math.min(2, this.abreast));
    const shown = made.map(({ work, place }) => {
      const there = this.cards.get(work.id) ?? this.card(work, place);
      this.cards.set(work.id, there);
      return there;
    });
    const items = shown.map(({ item }) => item);
    const there = [...this.list.children];
    const same = there.length === items.length && there.every((each, place) => each === items[place]);
    if (!same) this.list.replaceChildren(...items);
    for (const [id, card] of this.cards) {
      if (shown.includes(card)) continue;
      card.melody.dispose();
      keepBars({ id, bars: [], keep: () => {} });
      this.cards.delete(id);
    }
    this.deck.hold(shown.map(({ melody }) => melody));
    this.element.classList.add('full');
  }

  /**
   * @param {string | null} words null: nothing is running
   * @param {number} share
   * @param {boolean} stoppable
   */
  progress(words, share = 0, stoppable = false) {
    const told = this.place === 'button' && words != null;
    tell(TAB, { underway: told ? { share, waiting: share === 0, words, stoppable } : null });
    const here = this.place === 'take' && words != null;
    const began = here && !this.element.classList.contains('running');
    this.element.classList.toggle('running', here);
    if (!here) return;
    if (began) this.bringIntoSight();
    const bar = find(this.element, '.bar');
    find(bar, 'span').style.width = `${100 * share}%`;
    bar.classList.toggle('waiting', share === 0);
    bar.setAttribute('aria-valuenow', String(Math.round(100 * share)));
    find(this.element, '.told').textContent = words;
    find(this.element, '[data-do=stop]').hidden = !stoppable;
  }

  /** What is told above the takes is brought into sight. */
  bringIntoSight() {
    const { top } = this.element.getBoundingClientRect();
    const run = find(this.element, '.run').getBoundingClientRect();
    const seen = run.top >= 0 && run.bottom <= window.innerHeight;
    if (!seen && inSight(this.element)) window.scrollBy({ top: top - 16, behavior: smoothly() });
  }

  /** @param {Job[]} jobs */
  progressOf(jobs) {
    const open = jobs.filter(isOpen);
    if (!open.length) return this.progress(null);
    const now = open.find((job) => job.state === 'running') ?? open[0];
    const share = (jobs.length - open.length + (now.total ? now.done / now.total : 0)) / jobs.length;
    const which = jobs.length > 1 ? `take ${jobs.indexOf(now) + 1} of ${jobs.length}` : 'a take';
    const place = now.position ? `${now.position} ahead of this one` : 'next in line';
    const words = now.state === 'waiting'
      ? ['Waiting', place, jobs.length > 1 && which]
      : [`Composing ${which}`, now.stage.replace(/^composing ?/, ''), timeLeft(now.seconds_left)];
    return this.progress(words.filter(Boolean).join(' · '), share, true);
  }

  // --- What the server says

  hear() {
    const told = this.widget.props.value;
    if (!told) return;
    if (told.state === 'refused') {
      this.progress(null);
      this.complain(told.message);
    } else if (told.state === 'reading') {
      const share = told.total ? told.done / told.total : 0;
      this.progress(capitalised(told.stage || 'getting ready'), share);
    } else if (told.state === 'offer') this.hearOffer(told.works, told.kept);
    else this.hearJobs(told.jobs ?? []);
  }

  /**
   * A melody of the gallery comes here.
   *
   * @param {Work[]} works
   * @param {number[]} kept bars
   */
  hearOffer(works, kept) {
    this.pressedAt('take');
    this.progress(null);
    this.complain(null);
    this.following = [];
    this.show(works.map((work, place) => ({ work, place })));
    const [{ id }] = works;
    this.asking = { id, bars: kept };
    const there = this.cards.get(id)?.melody;
    there?.keep([...there.kept, ...kept]);
  }

  /** @param {Job[]} jobs */
  hearJobs(jobs) {
    const ids = (/** @type {Job[]} */ list) => list.map((job) => job.id).join();
    if (ids(jobs) !== ids(this.following)) {
      this.complain(null);
      newJob();
    }
    const watched = inSight(this.element);
    for (const job of jobs) if (watched && !isOpen(job)) seen(job.id);
    this.following = jobs;
    this.progressOf(jobs);
    const failed = jobs.find((job) => job.state === 'failed' || job.state === 'interrupted');
    if (failed) {
      this.complain(failed.message || 'This take was not finished; ask again.', failed.ways_out ?? []);
      inConflict(failed.conflict ?? []);
    }
    const made = jobs.flatMap((job, place) => (job.state === 'made' && job.work ? [{ work: job.work, place }] : []));
    this.show(made);
    if (made.length) newWork();
  }
}

/** @param {Job} job */
const isOpen = (job) => job.state === 'waiting' || job.state === 'running';
