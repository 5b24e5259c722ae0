// The looks: presets as pictures, one of which is chosen. Native radio buttons, so arrows, Tab and screen readers
// work as they always do.

import { all, find, make } from './dom.js';
import { control } from './value.js';

/** @import { Widget } from './types' */

/** @typedef {{name: string, label: string, sentence: string, picture: string}} Look */

/** @param {Widget<{looks: Look[]}>} widget */
export function open(widget) {
  const { element, props, trigger } = widget;
  const cards = find(element, '.cards');
  const sentence = find(element, '.sentence');
  const group = `look-${Math.random().toString(36).slice(2)}`;
  const chosen = () => props.looks.find((look) => look.name === props.value);
  const tell = (/** @type {Look | undefined} */ look) => {
    sentence.textContent = look ? look.sentence : 'No look: the settings below are your own.';
  };
  const mark = () => {
    for (const radio of all(element, 'input', HTMLInputElement)) radio.checked = radio.value === props.value;
    tell(chosen());
  };
  const card = (/** @type {Look} */ look) => {
    const id = `${group}-${look.name}`;
    const radio = make('input', { type: 'radio', name: group, value: look.name, 'aria-describedby': id });
    radio.addEventListener('change', () => {
      keep(look.name);
      tell(look);
      trigger('choose', { name: look.name });
    });
    const picture = look.picture
      ? make('img', { class: 'picture', src: look.picture, alt: '', loading: 'lazy', draggable: 'false' })
      : make('i', { class: 'picture', loading: 'lazy', draggable: 'false' });
    const made = make('label', { class: 'look', title: look.sentence }, radio, picture,
      make('span', { class: 'name' }, look.label),
      make('span', { class: 'hidden', id }, look.sentence));
    made.addEventListener('pointerenter', () => tell(look));
    made.addEventListener('pointerleave', () => tell(chosen()));
    return made;
  };
  cards.append(...props.looks.map(card));
  const keep = control(widget, mark);
}
