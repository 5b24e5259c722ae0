// The family of a work as a small tree: what it was made from on one side, what came of it on the other.

import { draw, make } from './dom.js';
import { isMusic } from './tile.js';

/** @import { Family, WorkPage } from './types' */

/** How the generations are called, by how far they are from the work. */
const GENERATIONS = new Map([[-2, 'Grandparents'], [-1, 'Made from'], [0, 'This work'], [1, 'Made from it'], [2, 'Made from those']]);

/**
 * The tree, or an empty text where a work has no relatives.
 *
 * @param {WorkPage} work
 */
export function familyTree(work) {
  const { kin, left_out: leftOut } = work.family;
  if (kin.length < 2) return '';
  const generations = [...new Set(kin.map((each) => each.generation))];
  const lines = draw('svg', { 'aria-hidden': 'true' });
  const tree = make('div', { class: 'tree' }, lines,
    ...generations.map((generation) => make('div', { class: 'generation' },
      make('h4', {}, GENERATIONS.get(generation) ?? ''),
      ...kin.filter((each) => each.generation === generation).map((each) => node(each, work.id)))));
  new ResizeObserver(() => connect(tree, lines, work.family)).observe(tree);
  const more = leftOut > 0 && make('p', { class: 'small' }, `${leftOut} more are not shown.`);
  return make('section', { class: 'family' }, make('h3', {}, 'Family tree'), tree, more);
}

/**
 * @param {Family['kin'][number]} relative
 * @param {string} self
 */
function node({ work }, self) {
  const kind = isMusic(work) ? 'music' : '';
  const shown = [
    make('span', { class: kind }, make('img', { src: work.thumb, alt: '', loading: 'lazy', draggable: 'false' })),
    make('span', {}, work.title),
  ];
  if (work.id === self) return make('span', { class: 'relative self', 'data-kin': work.id, 'aria-current': 'true' }, ...shown);
  return make('a', { class: 'relative', href: `?work=${work.id}`, 'data-kin': work.id, 'data-work': work.id }, ...shown);
}

/**
 * Draws a line from every parent to its child, sideways or downwards as the tree is laid out.
 *
 * @param {HTMLElement} tree
 * @param {SVGElement} lines
 * @param {Family} family
 */
function connect(tree, lines, family) {
  const whole = tree.getBoundingClientRect();
  const box = (/** @type {string} */ id) => tree.querySelector(`[data-kin="${id}"]`)?.getBoundingClientRect();
  const downwards = getComputedStyle(tree).flexDirection === 'column';
  const paths = family.kin.flatMap(({ work, parents }) => parents.map((parent) => {
    const [from, to] = [box(parent), box(work.id)];
    if (!from || !to) return '';
    if (downwards) {
      const [x1, y1] = [(from.left + from.right) / 2 - whole.left, from.bottom - whole.top];
      const [x2, y2] = [(to.left + to.right) / 2 - whole.left, to.top - whole.top];
      return `M ${x1} ${y1} C ${x1} ${(y1 + y2) / 2}, ${x2} ${(y1 + y2) / 2}, ${x2} ${y2}`;
    }
    const [x1, y1] = [from.right - whole.left, (from.top + from.bottom) / 2 - whole.top];
    const [x2, y2] = [to.left - whole.left, (to.top + to.bottom) / 2 - whole.top];
    return `M ${x1} ${y1} C ${(x1 + x2) / 2} ${y1}, ${(x1 + x2) / 2} ${y2}, ${x2} ${y2}`;
  }));
  lines.setAttribute('viewBox', `0 0 ${whole.width} ${whole.height}`);
  lines.replaceChildren(...paths.filter(Boolean).map((d) => draw('path', { d })));
}
