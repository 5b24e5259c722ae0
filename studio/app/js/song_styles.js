// Cards of the styles a song can be in: one is chosen, by a click or with the arrow keys.

import { find, make } from './dom.js';
import { control } from './value.js';

/** @import { Widget } from './types' */

/** @typedef {{name: string, title: string, sentence: string, licence: string, tunes: number}} Card */

/** Where files of one's own are dropped is closed until it is wanted. */
function openFiles() {
  const button = document.querySelector('.own-sheets > button:not(.open)');
  if (button instanceof HTMLElement) button.click();
}

/** @param {Widget<{cards: Card[], own: string}>} widget own: the name of the card that stands for files of one's own */
export function open(widget) {
  const { element, props } = widget;
  const list = find(element, '.cards');
  const told = find(element, '.sentence');
  /** @type {Map<string, HTMLInputElement>} */
  const inputs = new Map();
  const add = (/** @type {Card} */ card) => {
    const input = make('input', { type: 'radio', name: 'song-style', value: card.name });
    input.addEventListener('change', () => {
      keep(card.name);
      say(card);
      if (card.name === props.own) openFiles();
    });
    inputs.set(card.name, input);
    list.append(make('label', { class: 'card' }, input,
      make('span', { class: 'name' }, card.title),
      card.tunes > 0 && make('span', { class: 'small' }, `${card.tunes.toLocaleString()} tunes`)));
  };
  const say = (/** @type {Card | undefined} */ card) => {
    told.textContent = card ? [card.sentence, card.licence].filter(Boolean).join(' ') : '';
  };
  props.cards.forEach(add);
  const keep = control(widget, () => {
    const name = String(props.value ?? '');
    if (name.startsWith('of:') && !inputs.has(name)) {
      add({ name, title: 'As before', sentence: 'The songs of your own that the last one was made after.', licence: '', tunes: 0 });
    }
    const input = inputs.get(name);
    if (input) input.checked = true;
    say(props.cards.find((card) => card.name === name));
  });
}
