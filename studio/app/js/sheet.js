// Variations of one picture, side by side on the stage while they are made; each can be seen large.

import { find, make } from './dom.js';

/** @import { Job } from './types' */

/** @import { Result } from './strip.js' */

export class Sheet {
  /**
   * @param {HTMLElement} list
   * @param {(result: Result) => void} choose
   */
  constructor(list, choose) {
    this.list = list;
    this.choose = choose;
    /** @type {string[]} the jobs, in the order of their seeds */
    this.jobs = [];
    /** @type {Map<string, Result>} those that are made, by their jobs */
    this.made = new Map();
    this.busy = false;
  }

  /** @param {string[]} jobs @param {string} photo an address of the photo */
  begin(jobs, photo) {
    this.jobs = jobs;
    this.made.clear();
    this.busy = true;
    this.list.style.setProperty('--columns', String(Math.ceil(Math.sqrt(jobs.length))));
    this.list.replaceChildren(...jobs.map((job, place) =>
      make('li', { 'data-job': job, 'data-state': 'waiting' },
        make('button', { type: 'button', disabled: true, 'aria-label': `Variation ${place + 1}` },
          make('img', { src: photo, alt: '', draggable: 'false' }),
          make('span', { class: 'caption' }, 'Waiting')))));
  }

  /** How far one of them is. @param {Job} told @param {Result | null} result */
  follow(told, result) {
    const item = this.list.querySelector(`[data-job="${told.id}"]`);
    if (!(item instanceof HTMLElement)) return;
    const picture = find(item, 'img', HTMLImageElement);
    const button = find(item, 'button', HTMLButtonElement);
    const caption = find(item, '.caption');
    item.dataset.state = told.state;
    if (told.preview) picture.src = told.preview;
    if (told.state === 'running') caption.textContent = told.total ? `${Math.round((100 * told.done) / told.total)} %` : '…';
    else if (told.state !== 'waiting') caption.textContent = told.message || 'Stopped';
    if (!result) return;
    picture.src = result.view;
    caption.textContent = `Seed ${result.seed}`;
    button.disabled = false;
    button.setAttribute('aria-label', `See the one with seed ${result.seed}`);
    if (!this.made.has(told.id)) button.addEventListener('click', () => this.choose(result));
    this.made.set(told.id, result);
  }

  /** Where the whole sheet is to be had as one picture, or "". */
  get address() {
    return this.made.size > 1 ? `sheets/${this.jobs.map((job) => this.made.get(job)?.id).filter(Boolean).join('.')}` : '';
  }
}
