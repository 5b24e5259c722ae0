// Where the visitor is, as the page's address says it: a tab (#style), a tab with settings (#dream&preset=weave), a
// lesson (#lesson=cafeteria&rate=0.1) or a work (?work=ID). Back and Forward go from one of these to the next.

import { followTabs, nameFileFields, nameTabs, onTabOpened, openTabSoon, walkTabs } from './gradio_page.js';

/**
 * @typedef {object} Place
 * @property {string} tab its id
 * @property {string | null} work the work that is open in the gallery
 * @property {string} hash
 * @property {Record<string, string>} settings of the tab, as far as the address names any
 */

/** @type {string[]} ids of the tabs; the first is open where the address names none */
let tabs = [];

/** @type {Map<string, string>} what an address may call a tab, such as style or paint -> its id */
let ids = new Map();

/** @type {Map<string, string>} tab -> the address of what it shows now */
const shown = new Map();

/** @type {Map<string, (place: Place) => void>} tab -> who shows what an address names there */
const shows = new Map();

/** The tab that is being opened: until it is, what Gradio says of others is not what the visitor chose. */
let wanted = '';

/** Where the visitor is, as far as the tabs were told. */
let told = '';

/** What an address names. @param {string} [href] @returns {Place} */
export function here(href = location.href) {
  const { hash, searchParams } = new URL(href);
  const given = [...new URLSearchParams(hash.replace(/^#/, ''))];
  const called = given.map(([name]) => name).find((name) => ids.has(name)) ?? '';
  const named = given.some(([name]) => name === 'lesson') ? 'lessons' : ids.get(called);
  const work = named == null || named === 'gallery' ? searchParams.get('work') : null;
  const settings = Object.fromEntries(given.filter(([name]) => name !== called && name !== 'lesson'));
  return { tab: named ?? (work ? 'gallery' : tabs[0] ?? ''), work, hash, settings };
}

/** The address of a work. @param {string} id */
export const addressOfWork = (id) => `?work=${encodeURIComponent(id)}`;

/** @param {string} address "#style" or "?work=ID" */
function whole(address) {
  const url = new URL(location.href);
  url.searchParams.delete('work');
  url.hash = '';
  if (address.startsWith('?')) url.searchParams.set('work', new URLSearchParams(address).get('work') ?? '');
  else url.hash = address;
  return url.href;
}

/** @param {string} address @param {boolean} push whether Back leads to where the visitor is now */
function write(address, push) {
  told = whole(address);
  if (told === location.href) return;
  if (push) history.pushState(null, '', told);
  else history.replaceState(null, '', told);
}

/**
 * The page is there: opens what its address names, and follows the visitor from then on.
 *
 * @param {Record<string, string>} labels of all tabs, by their ids
 */
export function begin(labels) {
  tabs = Object.keys(labels);
  ids = new Map(Object.entries(labels).flatMap(([id, label]) => [[label.toLowerCase(), id], [id, id]]));
  nameTabs(labels);
  walkTabs();
  nameFileFields();
  const { tab } = here();
  told = location.href;
  if (tab !== tabs[0]) openWanted(tab);
  const opened = (/** @type {string} */ id) => {
    if (wanted && id !== wanted) return;
    wanted = '';
    if (here().tab !== id) write(shown.get(id) ?? `#${id}`, true);
  };
  onTabOpened(opened);
  // While the page itself opens a tab, Gradio may still open another one: only Gradio's own word counts then.
  followTabs((id) => { if (!wanted) opened(id); });
  window.addEventListener('popstate', () => arrive(location.href));
  // A lesson that plays may have written its own address over this one by the time it is heard of.
  window.addEventListener('hashchange', ({ newURL }) => arrive(newURL));
}

/** @param {string} tab */
function openWanted(tab) {
  wanted = tab;
  openTabSoon(tab, () => { wanted = ''; });
}

/** The visitor went to this address. @param {string} href */
function arrive(href) {
  if (href === told) return;
  told = href;
  const place = here(href);
  openWanted(place.tab);
  shows.get(place.tab)?.(place);
}

/**
 * Goes to an address of this page, as a link does.
 *
 * @param {string} address "#style" or "?work=ID"
 */
export function go(address) {
  const href = whole(address);
  if (href !== location.href) history.pushState(null, '', href);
  arrive(href);
}

/**
 * A tab shows what an address of its names: now, if it is the one that is open, and from then on.
 *
 * @param {string} tab
 * @param {(place: Place) => void} show
 */
export function showing(tab, show) {
  shows.set(tab, show);
  const place = here();
  if (place.tab === tab) show(place);
}

/**
 * What a tab shows has another address now.
 *
 * @param {string} tab
 * @param {string} address
 * @param {{push?: boolean}} [how] push: Back leads to what it showed before
 */
export function settle(tab, address, { push = false } = {}) {
  shown.set(tab, address);
  if (!wanted && here().tab === tab) write(address, push);
}

// --- Settings

/** Settings longer than that stay out of the address. */
const LONGEST = 400;

/** What a widget of ours holds before the server has said anything: see `value.js`. */
const AS_IT_IS = 'as it is';

/**
 * The dials of a tab show these values: the address names those that are not the usual ones.
 *
 * @param {string} tab
 * @param {string} usual JSON of [[name, the usual value] …], in the order of the values
 * @param {any[]} values
 */
export function dialsShow(tab, usual, ...values) {
  const named = new URLSearchParams();
  /** @type {[string, any][]} */
  const normal = JSON.parse(usual);
  const dials = /** @type {Dial[]} */ (normal.map(([name, value], place) => [name, values[place], value]));
  dialsOf.set(tab, dials.map(([name, value, usually]) => [name, value === AS_IT_IS ? usually : value, usually]));
  for (const heard of dialsHeard.get(tab) ?? []) heard(dialsOf.get(tab) ?? []);
  dials.forEach(([name, value, usually]) => {
    const ofTheirOwn = name === 'style' && /^own$|^of:/.test(textOf(value));
    if (ofTheirOwn || value === AS_IT_IS || textOf(value) === textOf(usually) || textOf(value).length > LONGEST) return;
    named.set(name, textOf(value));
  });
  const address = `#${tab}${named.size ? `&${named}` : ''}`;
  const plain = !named.size && !location.hash && tab === tabs[0];
  if (plain) shown.set(tab, address);
  else settle(tab, address);
  return values;
}

/** @typedef {[string, any, any]} Dial its name, its value, the usual value */

/** @type {Map<string, Dial[]>} */
const dialsOf = new Map();

/** @type {Map<string, ((dials: Dial[]) => void)[]>} */
const dialsHeard = new Map();

/**
 * Calls back with all dials of a tab, now if they are known, and whenever one changes.
 *
 * @param {string} tab
 * @param {(dials: Dial[]) => void} heard
 */
export function onDials(tab, heard) {
  dialsHeard.set(tab, [...(dialsHeard.get(tab) ?? []), heard]);
  const known = dialsOf.get(tab);
  if (known) heard(known);
}

/** A value as an address has it: a list has one entry a line. @param {any} value */
const textOf = (value) => (value == null ? '' : Array.isArray(value) ? value.join('\n') : String(value));

/**
 * The values of a handler, the last of them replaced by the settings that the address names for this tab.
 *
 * @param {string} tab
 * @param {any[]} values
 */
export function withSettings(tab, ...values) {
  const place = here();
  return [...values.slice(0, -1), place.tab === tab ? place.settings : {}];
}

/**
 * Calls back when an address of this tab is gone to that names other settings than are shown.
 *
 * @param {string} tab
 * @param {(settings: Record<string, string>) => void} heard
 */
export function onSettings(tab, heard) {
  shows.set(tab, ({ hash, settings }) => {
    if (Object.keys(settings).length && hash !== shown.get(tab)) heard(settings);
    else settle(tab, shown.get(tab) ?? `#${tab}`);
  });
}
