// A well in a fold: a file chosen or dropped there is read by the server, and is the widget's offer until it is
// put away.

import { around, complain, find } from './dom.js';
import { asked, offered } from './server.js';

/** @import { Offer, Widget } from './types' */

/**
 * @typedef {object} Reader
 * @property {(offer: Offer) => Promise<any>} read asks the server
 * @property {(told: any, how: Record<string, any>) => void} filled shows its answer; how.since: when it was chosen
 * @property {(how: Record<string, any>, had: boolean) => void} emptied shows that nothing is there (any more)
 */

/**
 * @param {Widget} widget
 * @param {string} selector
 * @param {Reader} reader
 */
export function well(widget, selector, { read, filled, emptied }) {
  const { element } = widget;
  const place = find(element, selector);
  const chooser = find(element, 'input[type=file]', HTMLInputElement);
  const trouble = find(element, '.trouble');
  /** @type {Offer | null} */
  let offer = null;
  /** @type {Promise<void> | null} */
  let arriving = null;

  const clear = (/** @type {Record<string, any>} */ how = {}) => {
    const had = offer != null;
    offer = null;
    place.dataset.full = 'no';
    complain(trouble);
    emptied(how, had);
  };
  const receive = async (/** @type {Promise<Offer>} */ offering, /** @type {Record<string, any>} */ how) => {
    try {
      const given = await offering;
      const told = await asked(read(given));
      offer = given;
      place.dataset.full = 'yes';
      find(element, '.fold', HTMLDetailsElement).open = true;
      filled(told, how);
    } catch (error) {
      complain(trouble, /** @type {Error} */ (error).message);
    } finally {
      arriving = null;
    }
  };
  const arrive = (/** @type {Promise<Offer>} */ offering, /** @type {Record<string, any>} */ how = {}) => {
    complain(trouble);
    arriving = receive(offering, { since: performance.now(), ...how });
    return arriving;
  };
  const take = (/** @type {File | undefined} */ file) => { if (file) arrive(offered(widget, file)); };

  chooser.addEventListener('change', () => { take(chooser.files?.[0]); chooser.value = ''; });
  place.addEventListener('click', (event) => {
    const deed = around(event, '[data-do]')?.dataset.do;
    if (deed === 'choose') chooser.click();
    if (deed === 'clear') clear();
  });
  place.addEventListener('dragover', (event) => event.preventDefault());
  place.addEventListener('drop', (event) => {
    event.preventDefault();
    event.stopPropagation();
    take(event.dataTransfer?.files[0]);
  });
  return { arrive, clear, offer: async () => { if (arriving) await arriving; return offer; } };
}
