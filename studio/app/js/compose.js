// Takes of a melody: each as a score, a roll of notes that plays along, bars to keep, and where every note comes
// from.

import { addressOfWork, go, onSettings } from './address.js';
import { around, capitalised, find, inSight, make, sentenceOf, smoothly } from './dom.js';
import { pressSoon } from './gradio_page.js';
import { Melody } from './melody.js';
import { inConflict, newJob, newWork, seen } from './news.js';
import { nowPlaying, silence } from './player.js';
import { asked } from './server.js';
import { timeLeft } from './times.js';

/** @import { Job, WayOut, Widget, Work } from './types' */

/** @type {Takes | null} */
let takes = null;
let askSoon = false;

/** @param {Widget<{example?: Work | null}>} widget */
export function open(widget) {
  takes = new Takes(widget);
  takes.hear();
  onSettings('compose', (settings) => widget.trigger('linked', { settings }));
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
  return values;
}

/** Makes the latest request once more, as soon as the takes are there. */
export function askOnceMore() {
  if (takes) takes.askOnceMore();
  else askSoon = true;
}

class Takes {
  /** @param {Widget<{example?: Work | null}>} widget */
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
    this.count = 0;
    widget.watch('value', () => this.hear());
    this.element.addEventListener('click', (event) => {
      const deed = around(event, '[data-do]')?.dataset.do;
      if (deed === 'dismiss') this.complain(null);
      if (deed === 'stop') this.stop();
    });
  }

  /**
   * @param {string | null} sentence
   * @param {WayOut[]} ways
   */
  complain(sentence, ways = []) {
    const box = find(this.element, '.trouble');
    const button = (/** @type {WayOut} */ way) =>
      make('button', { type: 'button', class: 'small', onclick: () => this.relax(way) }, way.label);
    box.hidden = !sentence;
    find(box, '.sentence').textContent = sentence ?? '';
    find(box, '.ways').replaceChildren(...ways.map(button));
    if (sentence) box.scrollIntoView({ block: 'nearest', behavior: smoothly() });
  }

  /** As long as nothing was asked for, a tune that came with the studio is there to be played. */
  drawExample() {
    const { example } = this.widget.props;
    const there = find(this.element, '.example');
    if (!example || there.childElementCount || this.widget.props.value) return;
    const melody = new Melody(example, {
      name: 'this tune',
      width: this.widget.element.clientWidth,
      ask: (bars) => this.again(example.id, bars),
      pin: (pins) => this.widget.trigger('pin', { pins }),
    });
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
    find(this.element, '.told').textContent = 'Stopping …';
    for (const job of this.following.filter(isOpen)) {
      try {
        await asked(this.widget.server.stop(job.id));
      } catch (error) {
        this.complain(sentenceOf(error));
      }
    }
  }

  // --- Showing

  /** @param {Work} work */
  card(work) {
    this.count += 1;
    const name = `Take ${this.count}`;
    const { trigger } = this.widget;
    const melody = new Melody(work, {
      name: name.toLowerCase(),
      width: this.widget.element.clientWidth,
      ask: (bars) => this.again(work.id, bars),
      pin: (pins) => trigger('pin', { pins }),
    });
    const open = (/** @type {MouseEvent} */ event) => {
      if (event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      go(addressOfWork(work.id));
    };
    const link = make('a', { href: `?work=${work.id}`, onclick: open }, 'In the gallery');
    const item = make('li', { class: 'take', 'data-work': work.id },
      make('header', {}, make('h3', {}, name), link),
      melody.element);
    find(this.element, '[data-said]').textContent = `${name} is here.`;
    return { melody, item };
  }

  /** Those of an earlier request stay until the first new one is here. @param {Work[]} works */
  show(works) {
    if (!works.length) return;
    const shown = works.map((work) => {
      const there = this.cards.get(work.id) ?? this.card(work);
      this.cards.set(work.id, there);
      return there;
    });
    if (nowPlaying() && !shown.some(({ melody }) => melody.holds(nowPlaying()))) silence();
    const items = shown.map(({ item }) => item);
    const there = [...this.list.children];
    const same = there.length === items.length && there.every((each, place) => each === items[place]);
    if (!same) this.list.replaceChildren(...items);
    this.element.classList.add('full');
  }

  /**
   * @param {string | null} words null: nothing is running
   * @param {number} share
   * @param {boolean} stoppable
   */
  progress(words, share = 0, stoppable = false) {
    const began = words != null && !this.element.classList.contains('running');
    this.element.classList.toggle('running', words != null);
    if (words == null) return;
    if (began) this.bringIntoSight();
    const bar = find(this.element, '.bar');
    find(bar, 'span').style.width = `${100 * share}%`;
    bar.classList.toggle('waiting', share === 0);
    bar.setAttribute('aria-valuenow', String(Math.round(100 * share)));
    find(this.element, '.told').textContent = words;
    find(this.element, '[data-do=stop]').hidden = !stoppable;
  }

  /** On a phone the button is below the takes: what happens there is brought back into sight. */
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
    const place = now.position ? `${now.position} before this one` : 'next in line';
    const words = now.state === 'waiting'
      ? ['Waiting', place, jobs.length > 1 && which]
      : [`Composing ${which}`, now.stage, timeLeft(now.seconds_left)];
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
    this.progress(null);
    this.complain(null);
    this.show(works);
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
    const works = jobs.flatMap((job) => (job.state === 'made' && job.work ? [job.work] : []));
    this.show(works);
    if (works.length) newWork();
  }
}

/** @param {Job} job */
const isOpen = (job) => job.state === 'waiting' || job.state === 'running';
