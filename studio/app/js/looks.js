// The looks: presets as pictures, one of which is chosen. Native radio buttons, so arrows, Tab and screen readers
// work as they always do.

import { desk } from './desks.js';
import { all, find, make } from './dom.js';
import { control } from './value.js';

/** @import { Widget } from './types' */

/** @typedef {{name: string, label: string, sentence: string, picture: string}} Look */

/** @param {Widget<{looks: Look[], desk: string}>} widget */
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
    const show = () => { tell(look); desk(props.desk).peek?.(look); };
    const leave = () => { tell(chosen()); desk(props.desk).peek?.(null); };
    made.addEventListener('pointerenter', ({ pointerType }) => { if (pointerType === 'mouse') show(); });
    made.addEventListener('pointerleave', leave);
    // With the keyboard a look is shown as long as the focus is on it; a click needs no second picture.
    radio.addEventListener('focus', () => { if (radio.matches(':focus-visible')) show(); });
    radio.addEventListener('blur', leave);
    return made;
  };
  cards.append(...props.looks.map(card));
  const keep = control(widget, mark);
}
