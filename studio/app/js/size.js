// The size of the result: a number that can be typed, common ones at a click, and the photo's own.

import { onTold } from './desks.js';
import { all, find, make } from './dom.js';
import { cost } from './times.js';
import { control } from './value.js';

/** @import { Widget } from './types' */

const OWN = 'own';

/** @param {Widget<{info: string, offered: number[], min: number, max: number, desk: string}>} widget */
export function open(widget) {
  const { element, props } = widget;
  const box = find(element, 'input', HTMLInputElement);
  const chips = find(element, '.chips');
  find(element, '.info').textContent = props.info;
  box.min = String(props.min);
  box.max = String(props.max);

  const mark = () => {
    const own = props.value === OWN || props.value == null;
    box.value = own ? '' : props.value;
    box.placeholder = own ? 'own' : '';
    for (const chip of all(element, '.chips button')) {
      chip.setAttribute('aria-pressed', String(chip.dataset.size === String(own ? OWN : props.value)));
    }
  };
  const chip = (/** @type {number | string} */ size) =>
    make('button', { type: 'button', class: 'small', 'data-size': size, onclick: () => { keep(size); mark(); } },
      make('span', {}, size === OWN ? 'Photo’s own' : String(size)), make('span', { class: 'cost' }));
  chips.append(...[...props.offered, OWN].map(chip));
  box.addEventListener('input', () => keep(box.value === '' ? OWN : Number(box.value)));
  box.addEventListener('change', mark);
  const keep = control(widget, () => { if (document.activeElement !== box) mark(); });
  onTold(props.desk, ({ estimates }) => {
    if (!estimates) return;
    for (const each of all(element, '.chips button')) {
      const known = estimates.size?.[each.dataset.size ?? ''];
      find(each, '.cost').textContent = known ? cost(known) : '';
    }
  });
}
