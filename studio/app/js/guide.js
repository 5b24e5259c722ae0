// The guide picture: small, optional, dropped or chosen.

import { desk } from './desks.js';
import { find } from './dom.js';
import { well } from './well.js';

/** @import { Widget } from './types' */

/** @param {Widget} widget */
export function open(widget) {
  const { element, server } = widget;
  const picture = find(element, 'img', HTMLImageElement);
  const guide = well(widget, '.guide', {
    read: (given) => server.look({ picture: given, role: 'guide' }),
    filled: (shown) => {
      picture.src = shown.view;
      picture.alt = `Guide: ${shown.title || shown.name}`;
    },
    emptied: () => {
      picture.removeAttribute('src');
      picture.alt = '';
    },
  });
  const own = desk(widget.props.desk);
  own.guide = guide.offer;
  own.offerGuide = (given) => (given ? guide.arrive(Promise.resolve(given)) : guide.clear());
}
