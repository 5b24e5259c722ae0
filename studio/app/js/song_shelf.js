// Sections of songs that were put aside: in the order that is chosen here they make a new song.

import { make } from './dom.js';

/** @typedef {{work: string, title: string, name: string, bars: number}} Aside name: as the recipe calls it, such as "A2" */

export class Shelf {
  /**
   * @param {(sections: Aside[]) => void} build makes a song of them
   * @param {() => void} changed
   */
  constructor(build, changed) {
    this.changed = changed;
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
    this.sections = sections;
    this.element.hidden = !sections.length;
    this.list.replaceChildren(...sections.map((section, place) => this.item(section, place)));
    this.changed();
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
