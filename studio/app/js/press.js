// What stands under a button that makes something: how long it will take; and once it was pressed, how far it is, Stop,
// and what went wrong with the ways out.

import { onDials } from './address.js';
import { find, make } from './dom.js';
import { answerPress, onPress } from './news.js';
import { asked } from './server.js';
import { cost } from './times.js';

/** @import { Pressed } from './news' */
/** @import { WayOut, Widget } from './types' */

/** Milliseconds of rest before the server is asked. */
const REST = 200;

/** @param {Widget<{tab: string}>} widget */
export function open(widget) {
  const { tab } = widget.props;
  const element = find(widget.element, '.press');
  let question = 0;
  const ask = async (/** @type {object} */ shown) => {
    const mine = ++question;
    try {
      const told = await asked(widget.server.expect({ shown }));
      if (mine !== question) return;
      find(element, '.cost').textContent = told.seconds == null ? '' : `About ${cost(told)} of memory on this computer`;
    } catch { /* nobody pressed anything: nothing to say */ }
  };
  /** @type {number | undefined} */
  let resting;
  onDials(tab, (dials) => {
    clearTimeout(resting);
    resting = setTimeout(() => ask(Object.fromEntries(dials)), REST);
  });
  onPress((told) => { if (told.tab === tab) show(element, told); });
  element.addEventListener('click', (event) => {
    const deed = event.target instanceof Element && event.target.closest('[data-do]')?.getAttribute('data-do');
    if (deed === 'stop') answerPress(tab, 'stop');
    if (deed === 'dismiss') show(element, { tab, words: null });
  });
}

/** @param {HTMLElement} element @param {Pressed} told */
function show(element, { tab, words, share = 0, stoppable = false, trouble = null, ways = [] }) {
  element.classList.toggle('running', words != null);
  const bar = find(element, '.bar');
  find(bar, 'span').style.width = `${100 * share}%`;
  bar.classList.toggle('waiting', share === 0);
  bar.setAttribute('aria-valuenow', String(Math.round(100 * share)));
  find(element, '.told').textContent = words ?? '';
  find(element, '[data-do=stop]').hidden = !stoppable;
  const box = find(element, '.trouble');
  box.hidden = !trouble;
  find(box, '.sentence').textContent = trouble ?? '';
  find(box, '.ways').replaceChildren(...ways.map((/** @type {WayOut} */ way) =>
    make('button', { type: 'button', class: 'small', onclick: () => answerPress(tab, way) }, way.label)));
}
