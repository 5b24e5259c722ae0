// Pins as the Compose tab's field has them, one a line. They are written on a dial and shown on every roll.

/** @type {string[] | null} null before anything was written */
let pins = null;

/** @type {Set<(pins: string[]) => void>} */
const listeners = new Set();

/** The pins now. */
export const pinsNow = () => pins ?? [];

/** @param {(pins: string[]) => void} heard */
export const onPins = (heard) => { listeners.add(heard); };

/** The field changed, or a pin was set on a roll. @param {string | null} text */
export function pinned(text) {
  pins = String(text ?? '').split('\n').map((each) => each.trim()).filter(Boolean);
  for (const heard of listeners) heard(pins);
}

/**
 * The pins with this one set, or taken away where it was set already.
 *
 * @param {number} bar
 * @param {number} beat
 * @param {string} pitch
 */
export function toggled(bar, beat, pitch) {
  const text = `${bar}:${beat}=${pitch}`;
  const plain = (/** @type {string} */ each) => each.replaceAll(' ', '');
  const there = pinsNow().findIndex((each) => plain(each).startsWith(`${bar}:${beat}=`));
  const same = there >= 0 && plain(pinsNow()[there]) === text;
  const changed = pinsNow().filter((_, place) => place !== there);
  if (!same) changed.push(text);
  return { pins: changed, text, removed: same };
}
