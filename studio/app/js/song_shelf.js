// Sections of songs that were put aside: in the order that is chosen here they make a new song.

import { all, make } from './dom.js';

/** @typedef {{work: string, title: string, name: string, bars: number}} Aside name: as the recipe calls it, such as "A2" */

export class Shelf {
  /**
   * @param {(sections: Aside[]) => void} build makes a song of them
   * @param {() => void} changed
   * @param {() => void} left the focus was here, and nothing is here any more
   */
  constructor(build, changed, left) {
    this.changed = changed;
    this.left = left;
    /** @type {Aside[]} */
    this.sections = [];
    this.list = make('ol', { class: 'aside', 'aria-label': 'Sections set aside, in the order they will be played' });
    const made = make('button', { type: 'button', onclick: () => build(this.sections) }, 'Make a song from these');
    const wiped = make('button', { type: 'button', class: 'small plain', onclick: () => this.set([]) }, 'Remove all');
    this.element = make('section', { class: 'shelf-of-sections', 'aria-label': 'Sections set aside', hidden: true },
      make('h2', {}, 'Sections set aside'), this.list, make('p', { class: 'deeds' }, made, wiped));
  }

  /** @param {Aside} section */
  put(section) {
    this.set([...this.sections, section]);
  }

  /** @param {Aside[]} sections */
  set(sections) {
    const within = this.element.contains(document.activeElement);
    this.sections = sections;
    this.element.hidden = !sections.length;
    const at = all(this.list, 'button').indexOf(/** @type {HTMLElement} */ (document.activeElement));
    this.list.replaceChildren(...sections.map((section, place) => this.item(section, place)));
    if (within && !sections.length) this.left();
    else if (at >= 0) this.focus(at);
    this.changed();
  }

  /** The button that was pressed keeps the focus, or the one that now stands in its place. @param {number} at */
  focus(at) {
    const buttons = all(this.list, 'button', HTMLButtonElement);
    const free = (/** @type {HTMLButtonElement} */ button) => !button.disabled;
    (buttons.slice(0, at + 1).reverse().find(free) ?? buttons.find(free))?.focus();
  }

  /** @param {Aside} section @param {number} place */
  item({ title, name, bars }, place) {
    const swapped = (/** @type {number} */ other) => {
      const found = [...this.sections];
      [found[place], found[other]] = [found[other], found[place]];
      return found;
    };
    const button = (/** @type {string} */ sign, /** @type {string} */ words, /** @type {boolean} */ possible, /** @type {() => Aside[]} */ after) =>
      make('button', { type: 'button', class: 'small plain', disabled: !possible, 'aria-label': `${words} ${name} of ${title}`, onclick: () => this.set(after()) }, sign);
    return make('li', {},
      make('strong', {}, name), make('span', { class: 'small' }, `${bars} bars`), make('span', { class: 'small title', title }, title),
      button('←', 'Earlier:', place > 0, () => swapped(place - 1)),
      button('→', 'Later:', place < this.sections.length - 1, () => swapped(place + 1)),
      button('+', 'Once more:', true, () => [...this.sections.slice(0, place + 1), ...this.sections.slice(place)]),
      button('✕', 'Remove', true, () => this.sections.filter((_, other) => other !== place)));
  }
}
