// What waits in the browser to go into a picture: each tab that makes pictures has a desk, on which its stage and
// the widgets beside it lay their files.

/** @import { Offer, WayOut } from './types' */

/**
 * @typedef {object} Desk
 * @property {() => Promise<object>} [collect] everything that goes into the picture
 * @property {() => Promise<{guide: Offer[], guide_weights: number[]}>} [guides] the guide pictures
 * @property {() => Promise<object>} [more] what other widgets add
 * @property {(offers: Offer[], weights?: number[]) => Promise<void> | void} [offerGuides] guides come back
 * @property {(told: Record<string, any>) => Promise<void> | void} [offerMore] other files come back
 * @property {() => Promise<void>} [fillUp] what is still missing is chosen for somebody who only wants to try
 * @property {(file: File, chosen: string[]) => Promise<void>} [bringNetwork] a network comes from a lesson
 * @property {() => Promise<object>} [regions] the regions with their masks
 * @property {(told: Record<string, any>) => Promise<void> | void} [offerRegions] regions come back
 * @property {() => boolean} [hasRegions]
 * @property {(asked: RegionToPaint) => string | null} [paintRegion] a region is painted on the stage; a sentence if not
 * @property {() => Offer | null} [photo] what the server knows the photo by
 * @property {() => string} [photoView] the address at which the page shows the photo
 * @property {() => void} [photoChanged] another photo is there
 * @property {() => {value: string, label: string}[]} [namedPaintings] the paintings that go in, in their order
 * @property {() => void} [paintingsChanged]
 * @property {() => void} [changed] other files go in, or settings of a widget: what it takes is to be told again
 * @property {() => void} [moved] a slider of a widget was moved
 * @property {() => ({style: Offer[], weights: number[]} | null)} [palette] what a preview is painted with
 * @property {() => number} [paintings] how many paintings go in
 * @property {() => void} [stop] what is under way is stopped
 * @property {(way: WayOut) => void} [relax] one of the ways out is taken, and the latest request made once more
 * @property {(since: number) => boolean} [underWay] whether what was asked for here, after this moment, is being made
 * @property {(look: Look | null) => void} [peek] a look is shown on the stage for a moment, or none any more
 */

/**
 * pixels: what was painted before; offer: or the mask that came with a work. done: gets what is painted, null for nothing.
 *
 * @typedef {{name: string, pixels: ImageData | null, offer: Offer | null, done: (layer: Layer | null) => void}} RegionToPaint
 */

/** @typedef {{pixels: ImageData, view: string, file: Promise<File>}} Layer */

/** @typedef {{label: string, sentence: string, picture: string}} Look */

/**
 * What a stage tells the widgets of its tab.
 *
 * @typedef {object} Told
 * @property {Underway | null} [underway] what is being made, or null where nothing is
 * @property {string | null} [trouble] why the last request was refused
 * @property {WayOut[]} [ways] changes that would help
 * @property {Estimates} [estimates]
 */

/**
 * stopping: it was stopped already. stoppable: false where it cannot be.
 *
 * @typedef {{share: number, waiting: boolean, words: string, stopping?: boolean, stoppable?: boolean}} Underway
 */

/** @typedef {{seconds: number, bytes: number}} Estimate */

/**
 * What works will take on this computer: see `studio.app.expecting`.
 *
 * @typedef {{now?: Estimate | null, [field: string]: any}} Estimates
 */

/** @type {Map<string, Desk>} */
const desks = new Map();

/** @type {Map<string, ((collect: () => Promise<object>) => void)[]>} */
const waiting = new Map();

/**
 * The desk of a tab.
 *
 * @param {string} name
 * @returns {Desk}
 */
export function desk(name) {
  const there = desks.get(name) ?? {};
  desks.set(name, there);
  return there;
}

/** @type {WeakMap<Desk, Map<string, any[]>>} what came back for widgets that are not there yet */
const brought = new WeakMap();

/**
 * Files come back to a widget of this desk: now, or as soon as it is there.
 *
 * @param {Desk} there
 * @param {'offerGuides' | 'offerMore' | 'offerRegions'} name
 * @param {any[]} given
 */
export async function bring(there, name, ...given) {
  /** @type {((...given: any[]) => Promise<void> | void) | undefined} */
  const take = there[name];
  if (take) await take(...given);
  else brought.set(there, (brought.get(there) ?? new Map()).set(name, given));
}

/**
 * A widget of this desk is there and takes what comes back, also what came before it.
 *
 * @template {'offerGuides' | 'offerMore' | 'offerRegions'} Name
 * @param {Desk} there
 * @param {Name} name
 * @param {NonNullable<Desk[Name]>} take
 */
export function takes(there, name, take) {
  there[name] = take;
  const given = brought.get(there)?.get(name);
  brought.get(there)?.delete(name);
  if (given) bring(there, name, ...given);
}

/**
 * The stage of this desk is there.
 *
 * @param {string} name
 * @param {() => Promise<object>} collect
 */
export function opened(name, collect) {
  desk(name).collect = collect;
  for (const go of waiting.get(name) ?? []) go(collect);
  waiting.delete(name);
}

/**
 * A button's values, the first of them replaced by the files of this desk, once they have arrived.
 *
 * @param {string} name
 * @param {any[]} values
 */
export const withFiles = async (name, ...values) => [await collect(name), ...values.slice(1)];

/**
 * Everything that goes into the picture, once all of it has arrived.
 *
 * @param {string} name
 * @returns {Promise<object>}
 */
async function collect(name) {
  const there = desk(name).collect;
  if (there) return there();
  const ready = await new Promise((go) => waiting.set(name, [...(waiting.get(name) ?? []), go]));
  return ready();
}

/** @type {Map<string, Told>} */
const told = new Map();

/** @type {Map<string, ((told: Told) => void)[]>} */
const listeners = new Map();

/** The stage of this desk tells something. @param {string} name @param {Told} news */
export function tell(name, news) {
  told.set(name, { ...told.get(name), ...news });
  for (const heard of listeners.get(name) ?? []) heard(news);
}

/**
 * Calls back with what the stage of this desk has told last, and with all that it tells.
 *
 * @param {string} name
 * @param {(told: Told) => void} heard
 */
export function onTold(name, heard) {
  listeners.set(name, [...(listeners.get(name) ?? []), heard]);
  const last = told.get(name);
  if (last) heard(last);
}
