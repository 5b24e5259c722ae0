// Songs, step by step: each request is a step with one take or several; one goes back and forward through the steps.

import { onDials, onSettings } from './address.js';
import { around, capitalised, find, inSight, make, sentenceOf, smoothly } from './dom.js';
import { pressSoon } from './gradio_page.js';
import { newJob, newWork, seen } from './news.js';
import { asked } from './server.js';
import { SongCard } from './song_card.js';
import { briefly, timeLeft } from './times.js';

/** @import { Job, WayOut, Widget, Work } from './types' */

const TAB = 'songs';

/** Milliseconds without a change before the server is asked how long it would take. */
const REST = 300;

/** @typedef {Widget<{example?: Work | null, starts: {name: string, label: string}[]}>} SongWidget */
/** @typedef {{works: Work[], at: number}} Step at: the take that is seen */

/** @type {SongRoom | null} */
let room = null;
let askSoon = false;

/** @param {SongWidget} widget */
export function open(widget) {
  room = new SongRoom(widget);
  room.hear();
  onSettings(TAB, (settings) => widget.trigger('linked', { settings }));
  if (!widget.props.value) setTimeout(() => widget.trigger('arrived', {}), 200);
  setTimeout(() => room?.drawExample(), localStorage.getItem('studio-songs') ? 3000 : 0);
  if (askSoon) setTimeout(askOnceMore, 300);
  askSoon = false;
}

/** The button was pressed. @param {any[]} values */
export function pressed(...values) {
  room?.forget();
  return values;
}

/** Makes the latest request once more, as soon as the songs are there. */
export function askOnceMore() {
  if (room) room.askOnceMore();
  else askSoon = true;
}

class SongRoom {
  /** @param {SongWidget} widget */
  constructor(widget) {
    this.widget = widget;
    this.element = find(widget.element, '.song-room');
    this.place = find(this.element, '.song-place');
    /** @type {Map<string, SongCard>} by the id of the work */
    this.cards = new Map();
    /** @type {Job[]} of the latest request */
    this.following = [];
    /** @type {{id: string, kept: Record<string, any>, one: boolean} | null} null for the button */
    this.asking = null;
    /** @type {Step[]} */
    this.steps = [];
    this.at = -1;
    widget.watch('value', () => this.hear());
    this.element.addEventListener('click', (event) => {
      const deed = around(event, '[data-do]')?.dataset.do;
      if (deed === 'dismiss') this.complain(null);
      if (deed === 'stop') this.stop();
      if (deed === 'undo') this.step(this.at - 1);
      if (deed === 'redo') this.step(this.at + 1);
    });
    // A button that can no longer be pressed loses the focus, so the whole page listens.
    document.addEventListener('keydown', (event) => this.key(event));
    find(this.element, '.starts').append(...widget.props.starts.map(({ name, label }) =>
      make('button', { type: 'button', onclick: () => this.start(name) }, label)));
    this.foretell();
  }

  /** A first song, by a press. @param {string} name */
  start(name) {
    this.forget();
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

  // --- How long it takes

  foretell() {
    /** @type {number | undefined} */
    let resting;
    onDials(TAB, (dials) => {
      clearTimeout(resting);
      // The style is told last, and is no dial.
      const values = dials.filter(([name]) => name !== 'style').map(([, value]) => value);
      resting = setTimeout(() => this.expect(values), REST);
    });
    this.expect(null);
  }

  /** @param {any[] | null} values */
  async expect(values) {
    const button = document.querySelector('#song-button');
    if (!button) return;
    try {
      const told = await asked(this.widget.server.expect({ values }));
      button.setAttribute('data-time', told.seconds == null ? '' : `about ${briefly(told.seconds)}`);
    } catch { /* nobody pressed anything: nothing to say */ }
  }

  // --- Asking

  /**
   * @param {string | null} sentence
   * @param {WayOut[]} ways
   */
  complain(sentence, ways = []) {
    const box = find(this.element, '.trouble');
    box.hidden = !sentence;
    find(box, '.sentence').textContent = sentence ?? '';
    find(box, '.ways').replaceChildren(...ways.map((way) =>
      make('button', { type: 'button', class: 'small', onclick: () => this.relax(way) }, way.label)));
    if (sentence) box.scrollIntoView({ block: 'nearest', behavior: smoothly() });
  }

  forget() {
    this.complain(null);
    this.asking = null;
  }

  /**
   * @param {string} id
   * @param {Record<string, any>} kept
   * @param {boolean} one
   */
  again(id, kept, one = false) {
    this.complain(null);
    this.asking = { id, kept, one };
    this.widget.trigger('again', { id, kept, one });
  }

  async askOnceMore() {
    if (this.following.some(isOpen)) await this.stop();
    if (this.asking) this.again(this.asking.id, this.asking.kept, this.asking.one);
    else pressSoon('song-button');
  }

  /** @param {WayOut} way */
  relax(way) {
    this.complain(null);
    if (this.asking && way.field.startsWith('keep')) {
      this.asking.kept = { ...this.asking.kept, [way.field]: way.value };
      this.askOnceMore();
    } else this.widget.trigger('relax', { field: way.field, value: way.value });
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

  /** As long as nothing was asked for, a song that is here already is shown. */
  drawExample() {
    const { example } = this.widget.props;
    if (!example || this.steps.length || this.widget.props.value) return;
    this.remember([example]);
  }

  /** @param {Work[]} works a new step, or more takes of the latest */
  remember(works) {
    const now = this.steps[this.at];
    const grows = now && now.works.length < works.length && now.works.every((work, place) => work.id === works[place]?.id);
    const known = now && now.works.length === works.length && now.works.every((work, place) => work.id === works[place].id);
    if (known) return;
    if (grows) now.works = works;
    else {
      this.steps.splice(this.at + 1, Infinity, { works, at: 0 });
      this.at = this.steps.length - 1;
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
    const plays = before.sound.plays;
    const bar = before.music ? barAt(before, before.sound.now()) : 0;
    before.sound.stop();
    step.at = take;
    this.draw();
    const next = this.card(step.works[take], take);
    await next.reading;
    if (bar && next.music) next.seek(timeOf(next, bar));
    if (plays) next.play();
  }

  /** @param {Work} work @param {number} place */
  card(work, place) {
    const there = this.cards.get(work.id);
    if (there) return there;
    const made = new SongCard(work, {
      name: `take ${letterOf(place)}`,
      width: this.widget.element.clientWidth,
      ask: (kept, how) => this.again(work.id, kept, how?.one),
    });
    this.cards.set(work.id, made);
    return made;
  }

  draw() {
    const step = this.steps[this.at];
    if (!step) return;
    const card = this.card(step.works[step.at], step.at);
    for (const other of this.cards.values()) if (other !== card) other.sound.stop();
    if (this.place.firstElementChild !== card.element) this.place.replaceChildren(card.element);
    const bar = find(this.element, '.steps');
    bar.hidden = this.steps.length < 2 && step.works.length < 2;
    find(bar, '[data-do=undo]', HTMLButtonElement).disabled = this.at === 0;
    find(bar, '[data-do=redo]', HTMLButtonElement).disabled = this.at === this.steps.length - 1;
    find(bar, '.letters').replaceChildren(...(step.works.length < 2 ? [] : step.works.map((_, place) => make('button', {
      type: 'button',
      class: 'small',
      'aria-pressed': String(place === step.at),
      'aria-label': `Take ${letterOf(place)}`,
      onclick: () => this.choose(place),
    }, letterOf(place)))));
    find(bar, '.where').textContent = this.steps.length > 1 ? `Step ${this.at + 1} of ${this.steps.length}` : '';
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
    const bar = find(this.element, '.bar');
    find(bar, 'span').style.width = `${100 * share}%`;
    bar.classList.toggle('waiting', share === 0);
    bar.setAttribute('aria-valuenow', String(Math.round(100 * share)));
    find(this.element, '.run .told').textContent = words;
    find(this.element, '[data-do=stop]').hidden = !stoppable;
    const run = find(this.element, '.run').getBoundingClientRect();
    if (began && inSight(this.element) && (run.top < 0 || run.bottom > window.innerHeight)) {
      window.scrollBy({ top: this.element.getBoundingClientRect().top - 16, behavior: smoothly() });
    }
  }

  /** @param {Job[]} jobs */
  progressOf(jobs) {
    const open = jobs.filter(isOpen);
    if (!open.length) return this.progress(null);
    const now = open.find((job) => job.state === 'running') ?? open[0];
    const share = (jobs.length - open.length + (now.total ? now.done / now.total : 0)) / jobs.length;
    const which = jobs.length > 1 ? `take ${jobs.indexOf(now) + 1} of ${jobs.length}` : 'a song';
    const place = now.position ? `${now.position} before this one` : 'next in line';
    const words = now.state === 'waiting'
      ? ['Waiting', place, jobs.length > 1 && which]
      : [`Making ${which}`, now.stage, timeLeft(now.seconds_left)];
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
      this.progress(capitalised(told.stage || 'getting ready'), told.total ? told.done / told.total : 0);
    } else if (told.state === 'offer') this.hearOffer(told.works, told.kept);
    else this.hearJobs(told.jobs ?? []);
  }

  /**
   * A song of the gallery comes here.
   *
   * @param {Work[]} works
   * @param {number[]} kept bars
   */
  hearOffer(works, kept) {
    this.progress(null);
    this.complain(null);
    this.following = [];
    this.remember(works);
    this.asking = { id: works[0].id, kept: { keep: kept.map(String) }, one: false };
    this.card(works[0], 0).keep(kept);
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
    if (failed) this.complain(failed.message || 'This song was not finished; ask again.', failed.ways_out ?? []);
    const works = jobs.flatMap((job) => (job.state === 'made' && job.work ? [job.work] : []));
    if (!works.length) return;
    this.remember(works);
    find(this.element, '[data-said]').textContent = `${works.at(-1)?.title} is here.`;
    newWork();
  }
}

/** @param {Job} job */
const isOpen = (job) => job.state === 'waiting' || job.state === 'running';

/** @param {number} place */
const letterOf = (place) => String.fromCharCode(65 + place);

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
