// The tray: on every tab, the works that wait or run, mine told from others', and mine that ended while nobody looked.

import { addressOfWork, go } from './address.js';
import { all, around, capitalised, complain, find, make, sentenceOf } from './dom.js';
import { newWork, onJob, onSeen } from './news.js';
import { asked } from './server.js';
import { briefly, timeLeft } from './times.js';
import { visitor } from './visitor.js';

/** @import { Job, Queued, Widget } from './types' */

/** Milliseconds between two looks at the queue: while something is made, and while nothing is. */
const [BUSY, IDLE] = [1000, 15000];

/** Ended works that the tray still shows. */
const MOST_ENDED = 6;

const KEY = 'studio-unseen';

/** @param {Widget} widget */
export function open(widget) {
  const tray = new Tray(widget);
  onJob(() => tray.look());
  onSeen((id) => tray.seen(id));
  document.addEventListener('visibilitychange', () => { if (!document.hidden) tray.look(); });
  tray.look();
}

class Tray {
  /** @param {Widget} widget */
  constructor(widget) {
    this.server = widget.server;
    this.element = find(widget.element, '.tray');
    this.pill = find(this.element, '.pill');
    this.panel = find(this.element, '.panel');
    this.owner = visitor();
    /** @type {Set<string>} my jobs whose end was not seen yet */
    this.unseen = new Set(remembered());
    /** @type {Set<string>} jobs that a tab in sight has shown to their end */
    this.shown = new Set();
    /** @type {Job[]} mine that ended */
    this.ended = [];
    /** @type {number | undefined} */
    this.next = undefined;
    this.asking = 0;
    this.pressed = false; // the pointer is down in it
    /** @type {Queued[] | null} what came meanwhile */
    this.later = null;
    this.element.addEventListener('click', (event) => this.click(event));
    this.panel.addEventListener('pointerdown', () => { this.pressed = true; });
    for (const event of ['pointerup', 'pointercancel']) {
      document.addEventListener(event, () => { if (this.pressed) setTimeout(() => this.letGo()); }, { capture: true });
    }
    document.addEventListener('click', (event) => {
      if (this.isOpen && !around(event, '.tray')) this.unfold(false);
    });
    this.element.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !this.isOpen) return;
      this.unfold(false);
      this.pill.focus();
    });
  }

  get isOpen() {
    return this.element.dataset.open === 'yes';
  }

  /** @param {boolean} open */
  unfold(open) {
    this.element.dataset.open = open ? 'yes' : 'no';
    this.panel.hidden = !open;
    this.pill.setAttribute('aria-expanded', String(open));
    if (open) this.look();
  }

  // --- Looking

  /** Asks how the queue stands, and again after a while. */
  async look() {
    clearTimeout(this.next);
    if (document.hidden) return;
    const question = ++this.asking;
    let pause = IDLE;
    try {
      const told = await asked(this.server.queue({ owner: this.owner, unseen: [...this.unseen], previews: this.isOpen }));
      if (question !== this.asking) return;
      this.show(told);
      pause = told.queue.length ? BUSY : IDLE;
    } catch {
      // The studio is away for a moment; whoever presses something is told.
    }
    if (question === this.asking) this.next = setTimeout(() => this.look(), pause);
  }

  /** @param {{queue: Queued[], ended: Job[], gone: string[]}} told */
  show({ queue, ended, gone }) {
    for (const { id, mine } of queue) if (mine) this.unseen.add(id);
    for (const id of gone) this.unseen.delete(id);
    for (const job of ended) {
      this.unseen.delete(job.id);
      if (job.state === 'cancelled' || this.shown.has(job.id)) continue;
      this.ended = [job, ...this.ended.filter((each) => each.id !== job.id)].slice(0, MOST_ENDED);
      find(this.element, '[data-said]').textContent = endInWords(job);
      if (job.state === 'made') newWork();
    }
    remember([...this.unseen, ...this.ended.map((job) => job.id)]);
    this.draw(queue);
  }

  /** A tab in sight has shown how this job ended. @param {string} id */
  seen(id) {
    if (this.shown.has(id) && !this.ended.some((job) => job.id === id)) return;
    this.shown.add(id);
    this.unseen.delete(id);
    this.ended = this.ended.filter((job) => job.id !== id);
    remember([...this.unseen]);
    this.look();
  }

  // --- Drawing

  /** The pointer is up, and the click that follows was heard. */
  letGo() {
    this.pressed = false;
    const queue = this.later;
    this.later = null;
    if (queue) this.draw(queue);
  }

  /** @param {Queued[]} queue */
  draw(queue) {
    // A button that was replaced under the pointer would not hear its click.
    if (this.pressed) {
      this.later = queue;
      return;
    }
    const mine = queue.filter((each) => each.mine);
    this.element.hidden = !queue.length && !this.ended.length;
    this.element.dataset.busy = String(queue.length > 0);
    const parts = summary(queue, mine, this.ended);
    find(this.element, '.summary').replaceChildren(...parts.map((part) => make('span', {}, part)));
    if (this.element.hidden) this.unfold(false);
    if (!this.isOpen) return;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset : {};
    find(this.panel, '.queue').replaceChildren(...queue.map(queueItem));
    find(this.panel, '.ended').replaceChildren(...this.ended.map(endedItem));
    // What is drawn again every second keeps the keyboard where it is, or as near as can be.
    if (focused.job) {
      const its = all(this.panel, 'button').filter((each) => each.dataset.job === focused.job);
      (its.find((each) => each.dataset.do === focused.do) ?? its[0] ?? this.pill).focus();
    }
  }

  // --- What the visitor does

  /** @param {MouseEvent} event */
  async click(event) {
    const button = around(event, '[data-do]');
    if (!button) return;
    const { do: deed, job = '', work = '' } = button.dataset;
    complain(find(this.panel, '.trouble'));
    if (deed === 'toggle') this.unfold(!this.isOpen);
    if (deed === 'dismiss' || deed === 'show') {
      event.preventDefault();
      this.seen(job);
    }
    if (deed === 'show') {
      this.unfold(false);
      go(addressOfWork(work));
    }
    if (deed !== 'cancel' && deed !== 'up') return;
    try {
      await asked(this.server[deed]({ job, owner: this.owner }));
    } catch (error) {
      complain(find(this.panel, '.trouble'), sentenceOf(error));
    }
    this.look();
  }
}

/**
 * What the closed tray says, in parts; on a phone there is room for the first.
 *
 * @param {Queued[]} queue
 * @param {Queued[]} mine
 * @param {Job[]} ended
 */
function summary(queue, mine, ended) {
  if (!queue.length) {
    const made = ended.filter((job) => job.state === 'made').length;
    if (made < ended.length) return ['Not finished'];
    return [made === 1 ? '1 is ready' : `${made} are ready`];
  }
  if (!mine.length) return [`${queue.length} of others`];
  const others = queue.length - mine.length;
  const known = mine.every((each) => each.seconds_left != null);
  const left = known && briefly(Math.max(...mine.map((each) => each.seconds_left ?? 0)));
  const works = mine.length === 1 ? '1 work' : `${mine.length} works`;
  return [works, left, others && `${others} of others`].filter((part) => typeof part === 'string');
}

/** @param {Queued} entry */
function queueItem(entry) {
  const title = entry.mine ? entry.title || entry.label : `Someone’s ${entry.label.toLowerCase()}`;
  const share = entry.total ? entry.done / entry.total : 0;
  const button = (/** @type {string} */ deed, /** @type {string} */ words, /** @type {string} */ sign = '') =>
    make('button', { type: 'button', class: 'small', 'data-do': deed, 'data-job': entry.id, 'aria-label': `${words}: ${title}` },
      sign && make('span', { 'aria-hidden': 'true' }, sign), words);
  return make('li', { class: entry.mine ? 'mine' : 'other', 'data-state': entry.state },
    entry.mine && entry.picture
      ? make('img', { src: entry.picture, alt: '' })
      : make('span', { class: 'blank', 'aria-hidden': 'true' }, entry.mine && entry.medium === 'melody' ? '♪' : ''),
    make('div', { class: 'what' },
      make('strong', {}, title),
      make('span', {}, stateInWords(entry)),
      entry.state === 'running' && make('span', { class: 'bar' }, make('i', { style: `width: ${100 * share}%` }))),
    entry.mine && make('div', { class: 'deeds' },
      entry.can_move_up && button('up', 'Sooner', '↑ '),
      button('cancel', entry.kind === 'painter' ? 'Stop' : 'Cancel')));
}

/** @param {Queued} entry */
function stateInWords({ state, mine, stage, position, seconds_left: left, most_left: most, seconds_until: until }) {
  if (state === 'running') {
    return [mine ? capitalised(stage || 'getting ready') : 'In progress', left != null && timeLeft(left, most)].filter(Boolean).join(' · ');
  }
  const before = position ? `${position} ahead of ${mine ? 'this one' : 'it'}` : 'Next';
  return [before, until ? `begins in ${briefly(until)}` : 'waiting'].join(' · ');
}

/** @param {Job} job */
function endInWords(job) {
  if (job.state === 'made') return job.title ? `${job.title}.` : `${job.work?.title ?? 'A work'} is ready.`;
  return job.message || 'A work was not finished.';
}

/** @param {Job} job */
function endedItem(job) {
  const { work } = job;
  const dismiss = { type: 'button', class: 'plain', 'data-do': 'dismiss', 'data-job': job.id, 'aria-label': 'Dismiss' };
  const show = { class: 'button small', href: work ? `?work=${work.id}` : '', 'data-do': 'show', 'data-job': job.id, 'data-work': work?.id };
  return make('li', { class: 'mine', 'data-state': job.state },
    work ? make('img', { src: work.thumb, alt: '' }) : make('span', { class: 'blank', 'aria-hidden': 'true' }, '!'),
    make('div', { class: 'what' }, make('strong', {}, work?.title ?? (job.state === 'made' && job.title) ?? 'Not finished'),
      make('span', {}, work || job.state === 'made' ? 'Ready' : endInWords(job))),
    make('div', { class: 'deeds' }, work && make('a', show, 'Show'), make('button', dismiss, '✕')));
}

// --- What the browser remembers

/** @returns {string[]} */
function remembered() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(kept) ? kept.map(String).slice(-50) : [];
  } catch {
    return [];
  }
}

/** @param {string[]} ids */
function remember(ids) {
  try {
    localStorage.setItem(KEY, JSON.stringify(ids));
  } catch { /* a browser that keeps nothing forgets them with the page */ }
}
