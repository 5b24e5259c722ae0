// What this session has made, in a row under the stage. One of them, B, is on the stage; it is compared with its photo,
// or with another, A.

import { all, find, make } from './dom.js';

/** @import { Work } from './types' */

/**
 * @typedef {object} Result
 * @property {string} id
 * @property {string} title
 * @property {string} words
 * @property {string} name
 * @property {string} file
 * @property {string} view
 * @property {string} thumb
 * @property {number} ratio
 * @property {number} seed
 */

const MOST = 12;

/** @param {Work} work @param {number} seed @returns {Result} */
export const resultOf = ({ id, title, words, name, file, view, thumb, ratio }, seed) =>
  ({ id, title, words, name, file, view, thumb, ratio, seed });

export class Strip {
  /**
   * @param {HTMLElement} element
   * @param {string} key under which the browser remembers it as long as the tab is open
   * @param {(shown: Result) => void} show the chosen one is to be seen, compared with `a`
   */
  constructor(element, key, show) {
    this.element = element;
    this.list = find(element, 'ol');
    this.key = `studio-results-${key}`;
    this.show = show;
    /** @type {Result[]} the latest first */
    this.results = remembered(this.key);
    /** @type {Result | null} what the shown one is compared with, in place of its photo */
    this.a = null;
    /** @type {Result | null} the one on the stage */
    this.b = null;
    this.draw();
  }

  /** Something was made and is on the stage, or not. @param {Result} result @param {{shown?: boolean}} [how] */
  add(result, { shown = true } = {}) {
    if (this.results[0]?.id !== result.id) this.results = [result, ...this.results.filter(({ id }) => id !== result.id)];
    this.results = this.results.slice(0, MOST);
    if (shown) this.b = result;
    if (this.a?.id === this.b?.id) this.a = null;
    remember(this.key, this.results);
    this.draw();
  }

  /** Nothing is on the stage that could be compared. */
  leave() {
    this.a = this.b = null;
    this.draw();
  }

  /** @param {Result} result */
  choose(result) {
    if (this.a?.id === result.id) this.a = this.b;
    this.b = result;
    if (this.a?.id === this.b.id) this.a = null;
    this.show(result);
    this.draw();
  }

  /** Compares what is shown with this one, or with its photo again. @param {Result} result */
  compare(result) {
    const was = this.a?.id === result.id;
    this.a = was ? null : result;
    if (!was && this.b?.id === result.id) this.b = null;
    this.b ??= this.results.find(({ id }) => id !== result.id) ?? result;
    if (this.a?.id === this.b.id) this.a = null;
    this.show(this.b);
    this.draw();
  }

  draw() {
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.at : '';
    this.element.hidden = this.results.length === 0;
    this.list.replaceChildren(...this.results.map((result) => this.item(result)));
    if (focused) all(this.list, 'button').find((each) => each.dataset.at === focused)?.focus();
  }

  /** @param {Result} result */
  item(result) {
    const [isA, isB] = [this.a?.id === result.id, this.b?.id === result.id];
    const called = `${result.title}, seed ${result.seed}`;
    const picture = make('img', { src: result.thumb, alt: '', draggable: 'false', loading: 'lazy' });
    picture.addEventListener('error', () => this.forget(result));
    return make('li', { class: isB ? 'shown' : '', 'data-work': result.id },
      make('button', { type: 'button', class: 'thumb', title: called, 'aria-label': `Show ${called}`, 'data-at': `b${result.id}`,
        'aria-pressed': String(isB), onclick: () => this.choose(result) }, picture),
      this.results.length > 1 && make('button', { type: 'button', class: 'letter', 'aria-pressed': String(isA), 'data-at': `a${result.id}`,
        title: isA ? 'Compare with the photo again' : 'Compare what is shown with this one',
        'aria-label': `Compare with ${called}`, onclick: () => this.compare(result) }, 'A'),
      isB && this.a && make('span', { class: 'letter b', 'aria-hidden': 'true' }, 'B'));
  }

  /** Its work is gone. @param {Result} result */
  forget(result) {
    this.results = this.results.filter(({ id }) => id !== result.id);
    remember(this.key, this.results);
    this.draw();
  }
}

/** @param {string} key @returns {Result[]} */
function remembered(key) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(key) ?? '[]');
    return Array.isArray(kept) ? kept.filter((each) => typeof each?.id === 'string').slice(0, MOST) : [];
  } catch {
    return [];
  }
}

/** @param {string} key @param {Result[]} results */
function remember(key, results) {
  try {
    sessionStorage.setItem(key, JSON.stringify(results));
  } catch { /* a browser that keeps nothing forgets them with the page */ }
}
