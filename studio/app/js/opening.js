// What a stage without a photo shows: a finished work, before and after, and photos to try at a click.

import { addressOfWork, go } from './address.js';
import { Compare } from './compare.js';
import { find, make } from './dom.js';

/** Where the handle is at first, in per cent from the left. */
const CUT = 32;

/** @typedef {{work: string, before: string, after: string, title: string, painting?: {view: string, title: string}}} Show */
/** @typedef {{name: string, title: string}} Sample */

/**
 * @param {HTMLElement} stage
 * @param {Show | null | undefined} show
 */
export function drawShow(stage, show) {
  const figure = find(stage, '.show');
  if (!show) return;
  const image = (/** @type {string} */ selector, /** @type {string} */ src, /** @type {string} */ alt) =>
    Object.assign(find(figure, selector, HTMLImageElement), { src, alt });
  const after = image('.show-after', show.after, show.title);
  image('.show-before', show.before, `${show.title}, before`);
  if (show.painting) image('.painting', show.painting.view, `The painting: ${show.painting.title}`).hidden = false;
  after.addEventListener('load', () => {
    figure.style.setProperty('--ratio', String(after.naturalWidth / after.naturalHeight));
  });
  const open = (/** @type {MouseEvent} */ event) => {
    if (event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    go(addressOfWork(show.work));
  };
  const like = show.painting ? `, painted like “${show.painting.title}”` : '';
  find(figure, 'figcaption').replaceChildren(
    make('a', { href: addressOfWork(show.work), onclick: open }, show.title), `${like}. Drag the handle.`);
  const compare = new Compare(figure, () => true);
  compare.slider.value = String(CUT);
  compare.cut(CUT);
  figure.hidden = false;
  stage.classList.add('showing');
}

/**
 * @param {HTMLElement} stage
 * @param {Sample[]} samples
 * @param {(sample: Sample) => void} tried
 */
export function drawSamples(stage, samples, tried) {
  const button = (/** @type {Sample} */ sample) =>
    make('button', { type: 'button', class: 'sample', onclick: () => tried(sample), 'data-sample': sample.name },
      make('img', { src: `samples/${sample.name}`, alt: '', loading: 'lazy', decoding: 'async', draggable: 'false' }),
      make('span', {}, sample.title));
  find(stage, '.samples .row').append(...samples.map(button));
  find(stage, '.samples').hidden = samples.length === 0;
}
