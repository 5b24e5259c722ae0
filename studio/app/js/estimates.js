// Asks the server what works will take on this computer, whenever a dial changes or a picture arrives, and tells the
// widgets of the tab.

import { onDials } from './address.js';
import { tell } from './desks.js';
import { asked } from './server.js';

/** @import { Dial } from './address' */

/** Milliseconds of rest before the server is asked. */
const REST = 150;

/**
 * Keeps the estimates of a tab. Gives what is to be called when other pictures go in.
 *
 * @param {string} name of its desk
 * @param {(request: object) => Promise<any>} expect the server function
 * @param {(dials: Dial[] | null) => object} request what it is asked, with what the dials show
 * @returns {() => void}
 */
export function estimating(name, expect, request) {
  /** @type {Dial[] | null} */
  let shown = null;
  /** @type {number | undefined} */
  let resting;
  let question = 0;
  const ask = async () => {
    const mine = ++question;
    try {
      const told = await asked(expect(request(shown)));
      if (mine === question) tell(name, { estimates: told });
    } catch { /* nobody pressed anything: nothing to say */ }
  };
  const soon = () => {
    clearTimeout(resting);
    resting = setTimeout(ask, REST);
  };
  onDials(name, (dials) => {
    shown = dials;
    soon();
  });
  soon();
  return soon;
}
