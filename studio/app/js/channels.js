// The explorer: channels of the usual network as pictures, found by a word or by the photo; a press puts one into the
// look, another takes it out again.

import { desk } from './desks.js';
import { around, complain, find, make, sentenceOf } from './dom.js';
import { asked } from './server.js';
import { control } from './value.js';

/** @import { Widget } from './types' */

/** place: where its picture begins on its layer's sheet, top and left in pixels. */
/** @typedef {{term: string, layer: string, words: string[], place: [number, number]}} Channel */

/** @typedef {Widget<{desk: string, layers: {name: string, channels: number, shows: string}[], tile: number, across: number}>} ChannelsWidget */

/** How long somebody must pause before what is typed is looked for, in milliseconds. */
const PAUSE = 250;

/** @param {ChannelsWidget} widget */
export function open(widget) {
  const explorer = new Explorer(widget);
  const { element } = widget;
  const text = find(element, 'input[type=search]', HTMLInputElement);
  const layer = find(element, 'select', HTMLSelectElement);
  layer.append(...widget.props.layers.map(({ name, shows }) => make('option', { value: name, title: shows }, name)));
  let waiting = 0;
  text.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = window.setTimeout(() => explorer.look(), PAUSE);
  });
  layer.addEventListener('change', () => explorer.look());
  const fold = find(element, '.fold', HTMLDetailsElement);
  const begin = () => { if (fold.open && !explorer.looked) explorer.look(); };
  fold.addEventListener('toggle', begin);
  begin(); // it may have been unfolded before this module came
  find(element, '.channel-list').addEventListener('click', (event) => {
    const button = around(event, 'button');
    if (!(button instanceof HTMLButtonElement)) return;
    if (button.dataset.term) explorer.pick(button.dataset.term);
    if (button.dataset.do === 'strongest') explorer.strongest(button);
  });
  control(widget, () => explorer.mark());
}

/** Those that were picked have come to the layers, or were refused. */
export const arrived = () => { for (const explorer of explorers) explorer.arrived(); };

/** @type {Set<Explorer>} */
const explorers = new Set();

/** Milliseconds after which a pick that was sent counts as lost. */
const LOST = 15000;

class Explorer {
  /** @param {ChannelsWidget} widget */
  constructor(widget) {
    this.widget = widget;
    this.element = widget.element;
    this.looked = false;
    this.asking = 0;
    /** @type {string[]} picked, and not sent yet */
    this.unsent = [];
    this.sentAt = -Infinity; // when picks were sent that have not arrived
    explorers.add(this);
  }

  /**
   * Puts a channel in, or takes it out. One lot goes after another: the server changes the layers as it is told them,
   * and of two that go at once it would know only its own.
   *
   * @param {string} term
   */
  pick(term) {
    this.unsent.push(term);
    this.deliver();
  }

  deliver() {
    if (!this.unsent.length || performance.now() - this.sentAt < LOST) return;
    this.sentAt = performance.now();
    this.widget.trigger('picked', { terms: this.unsent.splice(0) });
  }

  arrived() {
    this.sentAt = -Infinity;
    this.deliver();
  }

  /** What is amplified now. @returns {string[]} */
  chosen() {
    return Array.isArray(this.widget.props.value) ? this.widget.props.value : [];
  }

  /** Whether a term is amplified, with whatever weight. @param {string} term */
  has(term) {
    return this.chosen().some((each) => each.split('*')[0] === term);
  }

  mark() {
    find(this.element, '.chosen-channels').replaceChildren(...this.chosen().map((term) => make('li', {},
      make('button', { type: 'button', class: 'small', 'data-term': term, title: 'Leave it out' }, `${term} ×`))));
    for (const button of this.element.querySelectorAll('.found-channels button')) {
      button.setAttribute('aria-pressed', String(this.has(/** @type {HTMLElement} */ (button).dataset.term ?? '')));
    }
  }

  /** Those whose words fit what is typed. */
  async look() {
    this.looked = true;
    await this.fill({ text: this.text(), layer: this.layer() });
  }

  text() {
    return find(this.element, 'input[type=search]', HTMLInputElement).value;
  }

  layer() {
    return find(this.element, 'select', HTMLSelectElement).value;
  }

  /** Those that the photo excites most, of those whose words fit. @param {HTMLButtonElement} button */
  async strongest(button) {
    const photo = desk(this.widget.props.desk).photo?.();
    if (!photo) {
      complain(find(this.element, '.trouble'), 'Choose a photo first.');
      return;
    }
    button.disabled = true;
    await this.fill({ picture: photo, text: this.text(), layer: this.layer() });
    button.disabled = false;
  }

  /** @param {object} request */
  async fill(request) {
    const asking = ++this.asking;
    complain(find(this.element, '.trouble'));
    try {
      const { channels, told } = await asked(this.widget.server.channels(request));
      if (asking !== this.asking) return; // something else was asked for meanwhile
      find(this.element, '.told').textContent = told;
      find(this.element, '.found-channels').replaceChildren(...channels.map((/** @type {Channel} */ each) => this.item(each)));
      this.mark();
    } catch (error) {
      if (asking === this.asking) complain(find(this.element, '.trouble'), sentenceOf(error));
    }
  }

  /** @param {Channel} channel */
  item({ term, layer, words, place: [top, left] }) {
    const { tile, across, layers } = this.widget.props;
    const rows = Math.ceil((layers.find(({ name }) => name === layer)?.channels ?? 0) / across);
    const picture = make('i', { class: 'picture' });
    // A sheet is `across` pictures wide. Sizes in per cent let the style sheet choose how large one is shown.
    picture.style.backgroundImage = `url("channels/${layer}")`;
    picture.style.backgroundSize = `${across * 100}% auto`;
    picture.style.backgroundPositionX = `${(100 * left) / tile / (across - 1)}%`;
    picture.style.backgroundPositionY = rows > 1 ? `${(100 * top) / tile / (rows - 1)}%` : '0';
    return make('li', {}, make('button', { type: 'button', 'data-term': term, 'aria-pressed': 'false', title: words.join(', ') },
      picture, make('span', { class: 'name' }, words[0] ?? ''), make('span', { class: 'term' }, term)));
  }
}
