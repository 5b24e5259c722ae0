// One work large: what it looks or sounds like, what can be done with it, and all that made it.

import { draw, find, make } from './dom.js';
import { familyTree } from './lineage.js';
import { Melody } from './melody.js';
import { isMusic, when } from './tile.js';

/** @import { Kind, Source, WorkPage } from './types' */

/** Fields of a recipe that are told elsewhere on the page. */
const TOLD_ELSEWHERE = ['schema_version', 'kind', 'sources', 'model', 'setting'];

/** What a source is, in the page's words: the style of a picture is a painting. @param {string} role @param {Kind} kind */
const roleInWords = (role, kind) => (role === 'style' && kind.medium === 'picture' ? 'painting' : role);

/** @type {Record<string, string>} fields that the page has other words for */
const CALLED = { max_copy: 'longest copy', end: 'last note', start: 'first note', composer: 'model' };

/**
 * The work's elements.
 *
 * @param {WorkPage} work
 * @param {Kind} kind
 * @param {number} width of the page, in pixels
 * @param {((bars: number[]) => void) | null} ask asks for the other bars again
 */
export function workPage(work, kind, width, ask) {
  const json = JSON.stringify(work.recipe, null, 2);
  const button = make('button', { type: 'button', class: 'small' }, 'Copy');
  button.addEventListener('click', () => copy(json, button));
  return [
    make('nav', {}, make('button', { type: 'button', class: 'plain', 'data-do': 'wall' }, '← All works')),
    make('div', { class: 'spread' },
      make('div', { class: 'shown' }, ...shown(work, kind, width, ask)),
      make('div', { class: 'beside' },
        make('h2', {}, work.title),
        make('p', { class: 'when' }, [work.on_show ? 'Came with the studio' : when(work.made_at), work.facts.size].filter(Boolean).join(' · ')),
        make('p', { class: 'told' }, work.words),
        deeds(work, kind),
        make('p', { class: 'verdict', 'aria-live': 'polite' }),
        work.sources.length > 0 && make('section', {},
          make('h3', {}, 'Made from'),
          make('ul', { class: 'sources' }, ...work.sources.map((each) => sourceItem(each, kind)))),
        curve(work.losses, kind.losses),
        make('details', {}, make('summary', {}, 'How it was made'), make('dl', {}, ...facts(work))),
        make('details', {}, make('summary', {}, 'Recipe as JSON'), button, make('pre', { tabindex: '0' }, json)))),
  ];
}

/**
 * @param {WorkPage} work
 * @param {Kind} kind
 * @param {number} width
 * @param {((bars: number[]) => void) | null} ask
 */
function shown(work, kind, width, ask) {
  const kin = [familyTree(work)];
  const style = `--ratio: ${work.ratio}`;
  const image = make('img', { src: work.view, alt: work.title, class: 'large', style, draggable: 'false' });
  const whole = { href: work.file, target: '_blank', rel: 'noopener', title: 'Full size' };
  const picture = make('div', { class: isMusic(work) ? 'picture music' : 'picture' }, make('a', whole, image));
  if (kind.medium !== 'melody') return [picture, ...kin];
  const melody = new Melody(work, { name: 'this melody', width, ask: work.reads_back ? ask : null });
  return [!work.exports.length && picture, melody.element, ...kin].filter(Boolean);
}

/**
 * @param {WorkPage} work
 * @param {Kind} kind
 */
function deeds(work, kind) {
  const button = (/** @type {string} */ deed, /** @type {string} */ label, more = {}) =>
    make('button', { type: 'button', 'data-do': deed, ...more }, label);
  const download = { class: 'button solid', href: `${work.file}?download=true`, download: work.name };
  const isPicture = work.media_type.startsWith('image/') && kind.medium === 'picture';
  // A melody offers its formats beside its score.
  const others = isPicture ? work.exports.filter(({ name }) => !work.name.endsWith(`.${name}`)) : [];
  const saveAs = others.map(({ name, label }) => {
    const href = `works/${work.id}/as/${name}?download=true`;
    return make('a', { class: 'button small', href, download: '' }, label);
  });
  return make('div', { class: 'deeds' },
    make('a', download, 'Download'),
    saveAs.length > 0 && make('div', { class: 'exports' }, make('span', {}, 'Save as'), ...saveAs),
    isPicture && button('next', 'Use as next source'),
    kind.again && button('again', kind.again),
    button('remake', 'Verify', { title: 'Make it again from its recipe, and compare' }),
    !work.on_show && button('', 'Star', { class: 'star', 'data-star': work.id, 'aria-pressed': String(work.starred) }),
    !work.on_show && button('remove', 'Remove', { class: 'danger' }));
}

/**
 * @param {Source} source
 * @param {Kind} kind
 */
function sourceItem(source, kind) {
  const isPicture = kind.medium === 'picture' && !NO_PICTURES.includes(source.role);
  const known = [source.author && `by ${source.author}`, source.licence].filter(Boolean).join(' · ');
  return make('li', { class: 'source' },
    isPicture && make('img', { src: source.view, alt: '', loading: 'lazy' }),
    make('div', {},
      make('span', { class: 'role' }, roleInWords(source.role, kind)),
      make('strong', {}, source.title || source.name || 'untitled'),
      make('span', { class: 'credit' }, known || (source.role === 'mask' ? '' : 'no credit given'))));
}

/** Roles of sources that are networks. */
const NO_PICTURES = ['weights', 'painter'];

/** What is known of how the work was made, as terms and meanings. @param {WorkPage} work */
function facts({ recipe, facts: known, name, sha256 }) {
  const row = (/** @type {string} */ term, /** @type {any[]} */ ...meaning) =>
    [make('dt', {}, term), make('dd', {}, ...meaning)];
  const says = (/** @type {any} */ value) => value != null && value !== '' && value?.length !== 0;
  const asked = Object.entries(recipe).filter(([field, value]) => !TOLD_ELSEWHERE.includes(field) && says(value));
  const fields = new Set(asked.map(([field]) => field));
  const { model, setting } = recipe;
  const hash = (/** @type {string} */ whole, /** @type {string} */ text) => make('code', { title: whole }, text);
  const versions = Object.entries(setting?.versions ?? {}).map(([part, version]) => `${part} ${version}`);
  return [
    ...Object.entries(known).filter(([fact]) => !fields.has(fact)).map(([fact, value]) => row(fact, value)),
    ...asked.map(([field, value]) => row(CALLED[field] ?? field.replaceAll('_', ' '), plainly(value))),
    ...(model ? [row('network', `${model.name} `, hash(model.sha256, model.sha256.slice(0, 12)))] : []),
    ...(setting ? [row('made with', [...versions, setting.device].filter(Boolean).join(' · '))] : []),
    row('file', hash(sha256, `${name} · sha256 ${sha256.slice(0, 12)}`)),
  ].flat();
}

/** A setting in words. @param {any} value */
function plainly(value) {
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}

/**
 * The loss at every step as a line: how the work came about.
 *
 * @param {number[]} losses
 * @param {string} meaning what they mean
 */
function curve(losses, meaning) {
  if (losses.length < 2) return null;
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  const points = losses.map((loss, i) => {
    const [x, y] = [(300 * i) / (losses.length - 1), 58 - (56 * (loss - low)) / (high - low || 1)];
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  const ends = `from ${losses[0].toPrecision(3)} to ${losses[losses.length - 1].toPrecision(3)}`;
  const svg = draw('svg', {
    viewBox: '0 0 300 60',
    preserveAspectRatio: 'none',
    role: 'img',
    'aria-label': `A line over ${losses.length} steps, ${ends}`,
  }, draw('polyline', { points: points.join(' ') }));
  const caption = `${meaning} at each of ${losses.length} steps`;
  return make('figure', { class: 'curve' }, svg, make('figcaption', {}, caption));
}

/**
 * @param {string} text
 * @param {HTMLElement} button
 */
async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  } catch {
    const there = button.parentElement;
    if (there) getSelection()?.selectAllChildren(find(there, 'pre'));
    button.textContent = 'Selected: press Ctrl+C';
  }
  setTimeout(() => { button.textContent = 'Copy'; }, 2500);
}
