// The chords of a song as a text and as bars that can be written one by one.

import { complain, find, make, smoothly } from './dom.js';
import { onFault } from './news.js';
import { control, touched } from './value.js';

/** @import { Widget } from './types' */

/** The bars of a row of chords. @param {string} text */
export const barsOf = (text) => (text.trim() ? text.trim().replace(/^\||\|$/g, '').split('|').map((bar) => bar.trim() || '?') : []);

/** @param {Widget<{info: string, label: string, longest: number | null, tab: string}>} widget */
export function open(widget) {
  const { element, props } = widget;
  find(element, 'legend').textContent = props.label;
  find(element, '.info').textContent = props.info;
  const typed = find(element, 'textarea', HTMLTextAreaElement);
  const blocks = find(element, '.blocks');
  if (props.longest) typed.maxLength = props.longest;

  /** @param {string} value */
  const show = (value) => {
    if (document.activeElement !== typed) typed.value = value;
    const bars = barsOf(value);
    if (blocks.contains(document.activeElement) && blocks.childElementCount === bars.length) return;
    blocks.replaceChildren(...bars.map((bar, place) => {
      const input = make('input', { type: 'text', value: bar, 'aria-label': `Chords of bar ${place + 1}`, maxlength: 60, spellcheck: 'false' });
      input.classList.toggle('open', bar === '?');
      input.addEventListener('input', () => touched(element));
      input.addEventListener('change', () => {
        const now = barsOf(typed.value);
        now[place] = input.value.trim() || '?';
        input.classList.toggle('open', now[place] === '?');
        write(now);
      });
      return make('label', { class: 'bar' }, make('span', { class: 'number' }, String(place + 1)), input);
    }));
  };
  /** @param {string[]} bars */
  const write = (bars) => {
    typed.value = bars.join(' | ');
    show(typed.value);
    keep(typed.value);
  };
  const keep = control(widget, () => show(String(props.value ?? '')));
  const wrong = find(element, '.wrong');
  onFault((tab, field, sentence, goes) => {
    if (tab !== props.tab || field !== 'chords') return;
    complain(wrong, sentence);
    if (sentence) typed.setAttribute('aria-invalid', 'true');
    else typed.removeAttribute('aria-invalid');
    if (!goes) return;
    typed.focus({ preventScroll: true });
    element.scrollIntoView({ block: 'center', behavior: smoothly() });
  });
  typed.addEventListener('input', () => {
    touched(element);
    show(typed.value);
  });
  typed.addEventListener('change', () => keep(typed.value.trim()));
  find(element, '[data-do=bar]').addEventListener('click', () => {
    write([...barsOf(typed.value), '?']);
    const last = blocks.querySelector('.bar:last-child input');
    if (last instanceof HTMLInputElement) { last.focus(); last.select(); }
  });
  find(element, '[data-do=wipe]').addEventListener('click', () => write([]));
}
