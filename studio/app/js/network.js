// A network of the visitor's own: the file it was saved as, and what it says of itself.

import { desk, takes } from './desks.js';
import { find } from './dom.js';
import { firstOf, offered } from './server.js';
import { well } from './well.js';

/** @import { Widget } from './types' */

/** @param {Widget} widget */
export function open(widget) {
  const { element, server, trigger } = widget;
  const info = find(element, '.info');
  const usual = info.textContent;
  const called = find(element, '.called');
  const hash = find(element, '.hash');
  const hashField = find(element, '.hash input', HTMLInputElement);
  const network = well(widget, '.network', {
    read: (given) => server.know(given),
    filled: (told, { quietly = false, chosen = [], since }) => {
      called.textContent = told.name;
      info.textContent = told.sentence;
      hash.hidden = !told.pickle;
      hashField.value = told.sha256 ?? '';
      if (told.own) trigger('arrived', { own: true, layers: told.layers, chosen, quietly, since });
    },
    emptied: ({ quietly = false }, had) => {
      called.textContent = '';
      info.textContent = usual;
      hash.hidden = true;
      hashField.value = '';
      if (had && !quietly) trigger('arrived', { own: false, layers: [] });
    },
  });
  const own = desk(widget.props.desk);
  own.more = async () => {
    const weights = await network.offer();
    return weights ? { weights, weights_sha256: hashField.value.trim() } : {};
  };
  takes(own, 'offerMore', (told) => {
    const weights = firstOf(told.weights);
    return weights ? network.arrive(Promise.resolve(weights), { quietly: true }) : network.clear({ quietly: true });
  });
  own.bringNetwork = (file, chosen) => network.arrive(offered(widget, file), { chosen });
}
