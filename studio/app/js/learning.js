// Paintings that a painter has learnt here, among the studio's own; and those that are being learnt: how far they are,
// three photos as they are painted now, stop and resume.

import { capitalised, complain, find, inSight, make, sentenceOf } from './dom.js';
import { newJob } from './news.js';
import { asked } from './server.js';
import { timeLeft } from './times.js';
import { visitor } from './visitor.js';

/** @import { Offer, Widget } from './types' */

/**
 * @typedef {object} Lesson
 * @property {string} name of the painter
 * @property {string} title
 * @property {string} picture
 * @property {string} sha256 of the painting
 * @property {boolean} can_paint
 * @property {boolean} mine
 * @property {string} state learning, waiting, stopped, failed or learnt
 * @property {string} [id]
 * @property {number} [done]
 * @property {number} [total]
 * @property {number | null} [loss]
 * @property {number | null} [seconds_left]
 * @property {string} [stage]
 * @property {string} [message]
 * @property {string | null} [preview]
 * @property {Record<string, number>} [figures] of the card
 */

/** Milliseconds between two looks while a painter learns. */
const OFTEN = 1500;

export class Learning {
  /**
   * @param {Widget} widget
   * @param {(lesson: Lesson) => void} choose
   * @param {(lesson: Lesson) => void} learnt a painter learns the painting, and can paint like it, or better than before;
   *   or its button is a new one
   */
  constructor({ element, server }, choose, learnt) {
    this.element = find(element, '.learnt');
    this.trouble = find(element, '.trouble');
    this.server = server;
    this.choose = choose;
    this.learnt = learnt;
    /** @type {Map<string, string>} steps after which a painter was last kept, if it was */
    this.kept = new Map();
    /** @type {number | undefined} */
    this.next = undefined;
    this.look();
  }

  /** @param {{offer: Offer}} painting */
  async begin({ offer }) {
    await this.deed(() => this.server.learn({ picture: offer, owner: visitor() }));
    this.element.scrollIntoView({ block: 'nearest' });
  }

  /** @param {() => Promise<any>} ask */
  async deed(ask) {
    complain(this.trouble);
    try {
      await asked(ask());
    } catch (error) {
      complain(this.trouble, sentenceOf(error));
    }
    newJob();
    await this.look();
  }

  async look() {
    clearTimeout(this.next);
    /** @type {Lesson[]} */
    let lessons = [];
    try {
      lessons = (await asked(this.server.learning({ owner: visitor() }))).paintings;
      this.draw(lessons);
    } catch { /* the studio is away for a moment */ }
    const busy = lessons.some(({ state }) => state === 'learning' || state === 'waiting');
    if (busy) this.next = setTimeout(() => (inSight(this.element) ? this.look() : this.later()), OFTEN);
  }

  later() {
    this.next = setTimeout(() => (inSight(this.element) ? this.look() : this.later()), OFTEN);
  }

  /** @param {Lesson[]} lessons */
  draw(lessons) {
    this.element.hidden = !lessons.length;
    const ready = lessons.filter(({ can_paint: can }) => can);
    const shown = ready.map(({ name }) => name).join();
    const studies = find(this.element, '.studies');
    if (studies.dataset.shown !== shown) {
      this.kept.clear();
      studies.dataset.shown = shown;
      studies.replaceChildren(...ready.map((each) => make('button',
        { type: 'button', class: 'study', 'data-learnt': each.name, 'aria-pressed': 'false', title: each.title, onclick: () => this.choose(each) },
        make('img', { src: each.picture, alt: '', draggable: 'false' }), make('span', {}, each.title))));
    }
    for (const lesson of lessons) {
      const { name, done = 0, state, can_paint: can } = lesson;
      const kept = `${can} ${state === 'learning' || !can ? Math.floor(done / 100) : 'all'}`;
      if (this.kept.get(name) !== kept) this.learnt(lesson);
      this.kept.set(name, kept);
    }
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.lesson : '';
    const list = find(this.element, '.lessons');
    list.replaceChildren(...lessons.filter(({ state, figures }) => state !== 'learnt' || figures).map((each) => this.item(each)));
    if (focused) /** @type {HTMLElement | null} */ (list.querySelector(`[data-lesson="${focused}"]`))?.focus();
  }

  /** @param {Lesson} lesson */
  item(lesson) {
    const { name, id, state, title, mine, preview, done = 0, total = 0 } = lesson;
    const goes = state === 'learning' || state === 'waiting';
    const ask = goes ? () => this.server.pause({ id, owner: visitor() }) : () => this.server.resume({ name, owner: visitor() });
    return make('li', { 'data-state': state },
      make('strong', {}, title),
      preview && make('img', { class: 'photos', src: preview, alt: `Three photos, painted like ${title} as it is learnt so far` }),
      goes && make('span', { class: 'bar' }, make('i', { style: `width: ${total ? (100 * done) / total : 0}%` })),
      make('span', { class: 'told' }, inWords(lesson)),
      mine && state !== 'learnt' && make('button', { type: 'button', class: 'small', 'data-lesson': name, onclick: () => this.deed(ask) },
        goes ? 'Stop' : 'Resume'));
  }
}

/** @param {Lesson} lesson */
function inWords({ state, stage, message, seconds_left: left, loss, figures, can_paint: can }) {
  if (state === 'waiting') return 'Waiting for its turn.';
  if (state === 'stopped') return can ? 'Stopped. It paints with what it has learnt so far.' : 'Stopped.';
  if (state === 'failed') return message || 'This painting could not be learnt.';
  if (state === 'learnt') return `Learnt in ${figures?.steps} steps and ${figures?.minutes?.toFixed(0)} min; loss ${figures?.loss?.toFixed(2)}.`;
  return [capitalised(stage || 'getting ready'), loss != null && `loss ${loss.toFixed(2)}`, timeLeft(left ?? null), can && 'ready to use']
    .filter(Boolean).join(' · ');
}
