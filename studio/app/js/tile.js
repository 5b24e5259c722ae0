// A work as a tile.

import { find, make } from './dom.js';

/** @import { Work } from './types' */

/** @param {string} iso */
export const when = (iso) =>
  new Date(iso).toLocaleDateString(undefined, { year: 'numeric', month: 'long', day: 'numeric' });

/** @param {Work} work */
export function tile(work) {
  const picture = { src: work.thumb, alt: work.title, loading: 'lazy', decoding: 'async', draggable: 'false' };
  const address = { href: `?work=${work.id}`, 'data-work': work.id };
  const link = make('a', { class: 'tile', ...address, style: `--ratio: ${work.ratio}` },
    make('img', picture),
    make('span', { class: 'caption' }, make('strong', {}, work.title), make('span', {}, work.on_show ? 'On show' : when(work.made_at))));
  const image = find(link, 'img');
  image.addEventListener('error', () => image.classList.add('gone'), { once: true });
  return link;
}
