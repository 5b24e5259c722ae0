// Asks the server what works will take on this computer, whenever a dial changes or a picture arrives, and tells the
// widgets of the tab.

import { onDials } from './address.js';
import { tell } from './desks.js';
import { asked } from './server.js';

/** @import { Widget } from './types' */

/** Milliseconds of rest before the server is asked. */
const REST = 150;

/**
 * Keeps the estimates of a tab. Gives what is to be called when other pictures go in.
 *
 * @param {Widget<{desk: string}>} widget with the server function `expect`
 * @param {() => [string, number, number][]} sources role, width and height of each picture that goes in
 * @returns {() => void}
 */
export function estimating({ props, server }, sources) {
  /** @type {any[] | null} */
  let values = null;
  /** @type {number | undefined} */
  let resting;
  let question = 0;
  const ask = async () => {
    const mine = ++question;
    try {
      const told = await asked(server.expect({ values, sources: sources() }));
      if (mine === question) tell(props.desk, { estimates: told });
    } catch { /* nobody pressed anything: nothing to say */ }
  };
  const soon = () => {
    clearTimeout(resting);
    resting = setTimeout(ask, REST);
  };
  onDials(props.desk, (dials) => {
    values = dials.map(([, value]) => value);
    soon();
  });
  soon();
  return soon;
}
