// What the tabs share that ask for several works at once and keep some of them: asking again, following the jobs, and
// what went wrong with the ways out. Its counterpart is several.py.

import { onSettings } from './address.js';
import { desk, tell } from './desks.js';
import { around, capitalised, find, inSight, make, sentenceOf, smoothly } from './dom.js';
import { pressSoon } from './gradio_page.js';
import { atFault, inConflict, newJob, newWork, seen } from './news.js';
import { asked } from './server.js';
import { timeLeft } from './times.js';

/** @import { Job, WayOut, Widget, Work } from './types' */

/** @typedef {Widget<{example?: Work | null} & Record<string, any>>} SeveralWidget */
/** @typedef {{work: Work, place: number}} Made a work, and its place among those of its request */
/** @typedef {{id: string} & Record<string, any>} Asking a work, and what of it is kept */

/**
 * What the module of such a tab exports.
 *
 * @param {string} tab
 * @param {(widget: any) => Requests} build
 */
export function entrance(tab, build) {
  /** @type {Requests | null} */
  let room = null;
  let askSoon = false;
  /** Makes the latest request once more, as soon as the widget is there. */
  const askOnceMore = () => {
    if (room) room.askOnceMore();
    else askSoon = true;
  };
  return {
    /** @param {SeveralWidget} widget */
    open(widget) {
      room = build(widget);
      room.hear();
      onSettings(tab, (settings) => widget.trigger('linked', { settings }));
      // What the browser remembers is there a moment later.
      if (!widget.props.value) setTimeout(() => widget.trigger('ready', {}), 200);
      // Whoever was here before most likely gets their own works back.
      setTimeout(() => room?.exampleSoon(), localStorage.getItem(`studio-${tab}`) ? 3000 : 0);
      if (askSoon) setTimeout(askOnceMore, 300);
      askSoon = false;
    },
    /** The button was pressed. @param {any[]} values */
    pressed(...values) {
      room?.forget();
      room?.pressedAt('button');
      return values;
    },
    askOnceMore,
  };
}

/** Milliseconds within which two presses are one. */
const QUICK = 1000;

/** A tab's requests. A tab says how works are shown: `show`, `offer` and `drawExample`. */
export class Requests {
  /**
   * @param {SeveralWidget} widget
   * @param {HTMLElement} element
   * @param {object} words
   * @param {string} words.tab
   * @param {string} words.button the id of the button that makes new ones
   * @param {string} words.one what one of them is called, such as "a take"
   * @param {string} words.making what is done to them, such as "Composing"
   * @param {Record<string, string>} [words.told] settings that say themselves what is wrong with them, and their names
   */
  constructor(widget, element, words) {
    this.widget = widget;
    this.element = element;
    this.words = words;
    /** @type {Job[]} of the latest request */
    this.following = [];
    /** @type {Asking | null} the latest request, to make it once more; null for the button */
    this.asking = null;
    this.mustWait = false; // somebody was told so
    this.askedAt = -Infinity; // milliseconds, when something was last asked for
    this.unanswered = false; // the server has not said yet what becomes of it
    /** @type {'button' | 'work'} what was pressed last: what happens is told there */
    this.place = 'work';
    const beside = desk(words.tab);
    beside.stop = () => this.stop();
    beside.relax = (way) => this.relax(way);
    beside.underWay = (since) => this.askedAt > since && (this.unanswered || this.following.some(isOpen));
    widget.watch('value', () => this.hear());
    element.addEventListener('click', (event) => {
      const deed = around(event, '[data-do]')?.dataset.do;
      if (deed === 'dismiss') this.complain(null);
      if (deed === 'stop') this.stop();
    });
  }

  // --- What a tab says itself

  /** Works of the latest request are here. @param {Made[]} _made */
  show(_made) {}

  /** A work of the gallery comes here, of which these bars are kept. @param {Work} _work @param {number[]} _bars */
  offer(_work, _bars) {}

  /** Shows what came with the studio, where nothing else is shown. @param {Work} _work */
  drawExample(_work) {}

  /** Something that was kept is let go. @param {WayOut} _way @returns {boolean} whether it was that */
  letKeptGo(_way) { return false; }

  /** What is asked with, beside what is kept. @returns {Record<string, any>} */
  more() { return {}; }

  // --- Where it is told

  /** @param {'button' | 'work'} place */
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
    const here = this.place === 'work' ? sentence : null;
    box.hidden = !here;
    find(box, '.sentence').textContent = here ?? '';
    find(box, '.ways').replaceChildren(...(here ? ways : []).map((way) =>
      make('button', { type: 'button', class: 'small', onclick: () => this.relax(way) }, way.label)));
    if (here) box.scrollIntoView({ block: 'nearest', behavior: smoothly() });
    tell(this.words.tab, { trouble: this.place === 'button' ? sentence : null, ways });
  }

  /**
   * @param {string | null} words null: nothing is running
   * @param {number} share
   * @param {boolean} stoppable
   */
  progress(words, share = 0, stoppable = false) {
    const told = this.place === 'button' && words != null;
    tell(this.words.tab, { underway: told ? { share, waiting: share === 0, words, stoppable } : null });
    const here = this.place === 'work' && words != null;
    const began = here && !this.element.classList.contains('running');
    this.element.classList.toggle('running', here);
    if (!here) return;
    if (began) this.bringIntoSight();
    const bar = find(this.element, '.bar');
    find(bar, 'span').style.width = `${100 * share}%`;
    bar.classList.toggle('waiting', share === 0);
    bar.setAttribute('aria-valuenow', String(Math.round(100 * share)));
    find(this.element, '.run .told').textContent = words;
    find(this.element, '[data-do=stop]').hidden = !stoppable;
  }

  /** What is told above the works is brought into sight. */
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
    const which = jobs.length > 1 ? `take ${jobs.indexOf(now) + 1} of ${jobs.length}` : this.words.one;
    const place = now.position ? `${now.position} ahead of this one` : 'next in line';
    const words = now.state === 'waiting'
      ? ['Waiting', place, jobs.length > 1 && which]
      : [`${this.words.making} ${which}`, now.stage.replace(/^composing ?/, ''), timeLeft(now.seconds_left, now.most_left)];
    return this.progress(words.filter(Boolean).join(' · '), share, true);
  }

  // --- Asking

  forget() {
    this.complain(null);
    this.asking = null;
    this.askedAt = performance.now();
    this.unanswered = true;
  }

  /** Keeps some of a work and asks for the rest. Two quick presses ask once. @param {Asking} asking */
  again(asking) {
    if (this.asking && performance.now() - this.askedAt < QUICK) return;
    if (this.following.some(isOpen)) {
      this.pressedAt('work');
      this.mustWait = true;
      this.complain(`${capitalised(this.words.one)} is being made. Wait for it, or press Stop, and ask again.`);
      return;
    }
    this.ask(asking);
  }

  /** @param {Asking} asking */
  ask(asking) {
    this.askedAt = performance.now();
    this.unanswered = true;
    this.complain(null);
    this.pressedAt('work');
    this.asking = asking;
    this.widget.trigger('again', { ...asking, ...this.more() });
  }

  /** Works of the request before that are still being made are let go: they would contradict themselves too. */
  async askOnceMore() {
    if (this.following.some(isOpen)) await this.stop();
    const before = this.askedAt;
    if (this.asking) this.ask(this.asking);
    else pressSoon(this.words.button, () => this.askedAt > before);
  }

  /**
   * What is kept is let go here; every other constraint has a dial, which the server sets before it asks once more.
   *
   * @param {WayOut} way
   */
  relax(way) {
    if (way.goes) return atFault(this.words.tab, way.field, way.value, true);
    this.complain(null);
    if (this.asking && this.letKeptGo(way)) this.askOnceMore();
    else this.widget.trigger('relax', { field: way.field, value: way.value });
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

  // --- What the server says

  exampleSoon() {
    const { example } = this.widget.props;
    if (example && !this.widget.props.value) this.drawExample(example);
  }

  hear() {
    const told = this.widget.props.value;
    if (!told) return;
    this.unanswered = false;
    if (told.state === 'refused') {
      const name = this.place === 'button' && this.words.told?.[told.field];
      this.progress(null);
      if (name) {
        atFault(this.words.tab, told.field, told.message);
        this.complain(`Correct ${name} first.`, [{ label: `Go to ${name}`, field: told.field, value: told.message, goes: true }]);
      } else this.complain(told.message);
    } else if (told.state === 'reading') {
      this.progress(capitalised(told.stage || 'getting ready'), told.total ? told.done / told.total : 0);
    } else if (told.state === 'offer') {
      this.pressedAt('work');
      this.progress(null);
      this.complain(null);
      this.following = [];
      this.offer(told.works[0], told.kept);
    } else this.hearJobs(told.jobs ?? []);
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
    if (this.mustWait && !jobs.some(isOpen)) {
      this.mustWait = false;
      this.complain(null);
    }
    const failed = jobs.find((job) => job.state === 'failed' || job.state === 'interrupted');
    if (failed) {
      this.complain(failed.message || `${capitalised(this.words.one)} was not finished; ask again.`, failed.ways_out ?? []);
      inConflict(this.words.tab, failed.conflict ?? []);
    }
    const made = jobs.flatMap((job, place) => (job.state === 'made' && job.work ? [{ work: job.work, place }] : []));
    if (!made.length) return;
    this.show(made);
    newWork();
  }

  /** Says to who listens what is here. @param {string} words */
  say(words) {
    find(this.element, '[data-said]').textContent = words;
  }
}

/** @param {Job} job */
export const isOpen = (job) => job.state === 'waiting' || job.state === 'running';

/** The letter of a take. @param {number} place */
export const letterOf = (place) => String.fromCharCode(65 + place);
