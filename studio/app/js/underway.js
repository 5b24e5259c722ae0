// Beside the button that asks for a picture: what it will take, then how far it is, with Stop, and what went wrong.
// The same is to be seen under the stage, which may be out of sight.

import { desk, onTold } from './desks.js';
import { complain, find } from './dom.js';
import { cost } from './times.js';

/** @import { Widget } from './types' */

/** @param {Widget<{desk: string}>} widget */
export function open(widget) {
  const { element, props } = widget;
  const running = find(element, '.running');
  const expected = find(element, '.expected');
  const stop = find(element, 'button', HTMLButtonElement);
  stop.addEventListener('click', () => desk(props.desk).stop?.());
  onTold(props.desk, ({ underway, trouble, estimates }) => {
    if (underway !== undefined) {
      running.hidden = !underway;
      expected.hidden = Boolean(underway);
      find(running, '.bar').classList.toggle('waiting', underway?.waiting ?? true);
      find(running, '.bar span').style.width = `${100 * (underway?.share ?? 0)}%`;
      find(running, '.told').textContent = underway?.words ?? '';
      stop.disabled = underway?.stopping ?? false;
    }
    if (trouble !== undefined) complain(find(element, '.trouble'), trouble);
    if (estimates) expected.textContent = estimates.now ? `About ${cost(estimates.now)} of memory on this computer` : '';
  });
}
