// A work as a tile: its picture, its name always in sight, a star, and for music a button that plays it.

import { find, make } from './dom.js';

/** @import { Work } from './types' */

/** @param {string} iso */
export const when = (iso) =>
  new Date(iso).toLocaleDateString(undefined, { year: 'numeric', month: 'long', day: 'numeric' });

/** @param {string} iso */
export const whenExactly = (iso) =>
  new Date(iso).toLocaleString(undefined, { weekday: 'long', day: 'numeric', month: 'long', hour: '2-digit', minute: '2-digit' });

/** Whether its picture is a drawing of notes. @param {Work} work */
export const isMusic = (work) => !work.media_type.startsWith('image/') || work.media_type === 'image/svg+xml';

/**
 * @param {Work} work
 * @param {{linked?: boolean, words?: string}} [how] linked: it leads to the work. words: below its title
 */
export function tile(work, { linked = true, words } = {}) {
  const alt = work.title;
  const image = make('img', { src: work.thumb, alt, loading: 'lazy', decoding: 'async', draggable: 'false' });
  image.addEventListener('error', () => image.classList.add('gone'), { once: true });
  const music = isMusic(work);
  const starred = { 'aria-pressed': String(work.starred), 'aria-label': `Star ${work.title}`, title: 'Star' };
  const caption = make('span', { class: 'caption' },
    make('strong', { title: work.title }, work.title),
    make('span', {}, words ?? (work.on_show ? 'Came with the studio' : when(work.made_at))));
  const picture = make('span', { class: 'picture' }, image);
  return make('div', { class: `tile${music ? ' music' : ''}`, 'data-work': work.id, style: `--ratio: ${work.ratio}` },
    linked ? make('a', { href: `?work=${work.id}` }, picture, caption) : make('div', {}, picture, caption),
    make('label', { class: 'pick' }, make('input', { type: 'checkbox', 'aria-label': `Select ${work.title}` })),
    linked && !work.on_show && make('button', { type: 'button', class: 'star', 'data-star': work.id, ...starred }),
    linked && music && work.exports.length > 0
      && make('button', { type: 'button', class: 'play', 'data-play': work.id, 'aria-label': `Play ${work.title}` }));
}

/**
 * Works one after the other, newest or oldest first: under the time they were made in, and takes of one wish in a pile.
 *
 * @param {Work[]} works
 * @param {{dated: boolean, piled: boolean, before: Work | null}} how before: the work above the first
 */
export function laidOut(works, { dated, piled, before }) {
  /** @type {HTMLElement[]} */
  const made = [];
  let heading = before ? period(before.made_at) : '';
  for (let at = 0; at < works.length;) {
    const first = works[at];
    if (dated && period(first.made_at) !== heading) {
      heading = period(first.made_at);
      made.push(make('h2', { class: 'period' }, heading));
    }
    let end = at + 1;
    while (piled && end < works.length && belong(works[end - 1], works[end])) end += 1;
    made.push(...(end - at > 1 ? pile(works.slice(at, end)) : [tile(first)]));
    at = end;
  }
  return made;
}

/** Longer ago than that, takes were not made in one session. */
const SESSION = 60 * 60 * 1000;

/** Whether two works are takes of the same wish in the same session. @param {Work} one @param {Work} next */
const belong = (one, next) =>
  one.series === next.series && Math.abs(Date.parse(one.made_at) - Date.parse(next.made_at)) < SESSION;

/** The best take on top; the others come into sight when one asks for them. @param {Work[]} works */
function pile(works) {
  const top = works.find((work) => work.starred) ?? works[0];
  const first = tile(top);
  const others = works.filter((work) => work !== top).map((work) => tile(work));
  for (const each of others) { each.hidden = true; each.classList.add('of-pile'); }
  const label = () => {
    const open = first.classList.contains('open');
    return `${works.length} takes ${open ? '▴' : '▾'}`;
  };
  const button = make('button', { type: 'button', class: 'takes', 'aria-expanded': 'false', 'aria-label': `Show all ${works.length} takes of ${top.title}` }, label());
  button.addEventListener('click', () => {
    const open = first.classList.toggle('open');
    for (const each of others) each.hidden = !open;
    button.setAttribute('aria-expanded', String(open));
    button.textContent = label();
  });
  first.classList.add('pile');
  first.dataset.pile = works.map((work) => work.id).join(' ');
  first.append(button);
  return [first, ...others];
}

/** When a work was made, in words that hold for many works. @param {string} iso */
function period(iso) {
  const made = new Date(iso);
  const today = new Date();
  const days = Math.round((new Date(today).setHours(0, 0, 0, 0) - new Date(made).setHours(0, 0, 0, 0)) / 864e5);
  if (days <= 0) return 'Today';
  if (days === 1) return 'Yesterday';
  if (days < 7) return 'This week';
  return made.toLocaleDateString(undefined, { year: 'numeric', month: 'long' });
}

/** Works that a tile stands for: itself, or its whole pile while that is closed. @param {HTMLElement} shown */
export function standsFor(shown) {
  const closed = shown.dataset.pile && !shown.classList.contains('open');
  return closed ? (shown.dataset.pile ?? '').split(' ') : [shown.dataset.work ?? ''];
}

/** The checkbox of a tile. @param {HTMLElement} shown */
export const pickOf = (shown) => find(shown, '.pick input', HTMLInputElement);
