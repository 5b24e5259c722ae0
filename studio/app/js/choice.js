// A few choices side by side, one of which is chosen; beside each is what it takes here. Native radio buttons, so
// arrows, Tab and screen readers work as they always do.

import { onTold } from './desks.js';
import { all, find, make } from './dom.js';
import { briefly } from './times.js';
import { control } from './value.js';

/** @import { Widget } from './types' */

/** @typedef {{value: string, label: string, sentence: string}} Option */

/** @param {Widget<{field: string, title: string, info: string, options: Option[], desk: string}>} widget */
export function open(widget) {
  const { element, props } = widget;
  const group = `choice-${Math.random().toString(36).slice(2)}`;
  const sentence = find(element, '.sentence');
  find(element, 'legend').textContent = props.title;
  const mark = () => {
    for (const radio of all(element, 'input', HTMLInputElement)) radio.checked = radio.value === props.value;
    const chosen = props.options.find(({ value }) => value === props.value);
    sentence.textContent = chosen?.sentence ?? props.info;
  };
  find(element, '.options').append(...props.options.map(({ value, label }) => {
    const radio = make('input', { type: 'radio', name: group, value, onchange: () => { keep(value); mark(); } });
    return make('label', { class: 'option' }, radio,
      make('span', { class: 'face' }, make('span', { class: 'name' }, label), make('span', { class: 'cost' })));
  }));
  const keep = control(widget, mark);
  onTold(props.desk, ({ estimates }) => {
    if (!estimates) return;
    for (const radio of all(element, 'input', HTMLInputElement)) {
      const known = estimates[props.field]?.[radio.value];
      find(/** @type {Element} */ (radio.parentElement), '.cost').textContent = known ? briefly(known.seconds) : '';
    }
  });
}
