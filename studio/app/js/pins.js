// Pins as the recipe writes them, "4:1=G4": which note sounds in which bar at which beat.

import { pinOf, pitchName } from './pitches.js';

/** Beats that count as the same. */
const SAME = 0.01;

/** Parts of a beat that notes begin at. */
const PARTS = [1, 2, 3, 4, 6, 8, 12];

/** @typedef {{bar: number, beat: number}} Place bar and beat, both from 1 */

/**
 * A beat as pins write it: 1, 2 1/2, 23/12.
 *
 * @param {number} beat
 */
export function beatText(beat) {
  const part = PARTS.find((each) => Math.abs(beat * each - Math.round(beat * each)) < SAME * each) ?? 12;
  const over = Math.round(beat * part);
  const [whole, rest] = [Math.floor(over / part), over % part];
  if (!rest) return String(whole);
  return rest < 10 && part < 100 ? `${whole} ${rest}/${part}` : `${over}/${part}`;
}

/** @param {Place} place @param {number} pitch */
export const pinText = ({ bar, beat }, pitch) => `${bar}:${beatText(beat)}=${pitchName(pitch)}`;

/** Where in the list the pin of this place is, or -1. @param {string[]} pins @param {Place} place */
export const pinAt = (pins, { bar, beat }) => pins.findIndex((each) => {
  const pin = pinOf(each);
  return pin != null && pin.bar === bar && Math.abs(pin.beat - beat) < SAME;
});

/**
 * The pins with one at this place, in place of any that was there; without one where `pitch` is null.
 *
 * @param {string[]} pins
 * @param {Place} place
 * @param {number | null} pitch
 */
export function withPin(pins, place, pitch) {
  const there = pinAt(pins, place);
  const others = pins.filter((_, number) => number !== there);
  return pitch == null ? others : [...others, pinText(place, pitch)];
}
