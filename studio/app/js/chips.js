// What is asked for beyond the style, as chips: each lets its constraint go with ✕. Those that contradict each other
// are red until one of them is changed.

import { onDials } from './address.js';
import { find, make } from './dom.js';
import { onConflict } from './news.js';

/** @import { Widget } from './types' */

/** Settings that are no constraint, or have a place in sight. */
const ELSEWHERE = ['style', 'bars', 'seed', 'composer', 'temperature', 'instrument', 'order', 'copy_by', 'theme_pull'];

/** @type {Record<string, string>} settings whose chip says more than their name */
const CALLED = {
  max_copy: 'Longest copy',
  end: 'Last note',
  start: 'First note',
  pins: 'Pin',
  motifs: 'Motif',
  cadences: 'Cadence',
  rhythm: 'Rhythm',
  avoid: 'Avoid',
  contour_pull: 'Contour pull',
  contour_limit: 'Contour limit',
};

/** @typedef {{field: string, value: any, text: string, left: any}} Chip left: what stays of the setting without it */

/** @param {Widget} widget */
export function open(widget) {
  const list = find(widget.element, '.constraint-chips');
  /** @type {[string, any, any][]} */
  let dials = [];
  /** @type {{field: string, value: any}[]} */
  let conflict = [];
  const isRed = (/** @type {Chip} */ chip) => conflict.some(({ field, value }) =>
    field === chip.field && (value == null || !Array.isArray(chip.left) || plain(value) === plain(chip.value)));
  const draw = () => {
    list.replaceChildren(...chipsOf(dials).map((chip) => {
      const red = isRed(chip);
      const letGo = () => widget.trigger('let_go', { field: chip.field, value: chip.left });
      return make('li', { class: red ? 'chip red' : 'chip', 'data-field': chip.field },
        red && make('span', { class: 'hidden' }, 'Contradicts another constraint: '), chip.text,
        make('button', { type: 'button', onclick: letGo, 'aria-label': `Leave out ${chip.text}` }, '✕'));
    }));
  };
  onDials('compose', (named) => {
    const changed = JSON.stringify(named) !== JSON.stringify(dials);
    dials = named;
    if (changed) {
      conflict = [];
      draw();
    }
  });
  onConflict((named) => { conflict = named; draw(); });
}

/** @param {any} value */
const plain = (value) => String(value ?? '').replaceAll(' ', '');

/** @param {[string, any, any][]} dials name, value, the usual value @returns {Chip[]} */
function chipsOf(dials) {
  return dials.filter(([field, value, usual]) => !ELSEWHERE.includes(field) && plain(value) !== plain(usual))
    .flatMap(([field, value, usual]) => {
      const name = CALLED[field] ?? field.charAt(0).toUpperCase() + field.slice(1).replaceAll('_', ' ');
      const lines = Array.isArray(value) ? value.map(String) : LISTS.includes(field) ? String(value).split('\n') : null;
      const entries = lines?.map((each) => each.trim()).filter(Boolean);
      if (!entries) return [{ field, value, text: `${name} ${value}`, left: usual === '' ? null : usual }];
      if (field === 'contour') return [{ field, value, text: 'Contour', left: [] }];
      return entries.map((entry, place) => (
        { field, value: entry, text: `${name} ${entry}`, left: entries.filter((_, other) => other !== place) }));
    });
}

/** Settings of which there may be several, one a line. */
const LISTS = ['pins', 'rhythm', 'motifs', 'avoid', 'cadences'];
