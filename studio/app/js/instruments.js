// The instruments of General MIDI by their families, as a list to choose from.

import { make } from './dom.js';

const FAMILIES = ['Piano', 'Bells and mallets', 'Organ', 'Guitar', 'Bass', 'Strings', 'Ensemble', 'Brass', 'Reeds', 'Pipes',
  'Synth lead', 'Synth pad', 'Synth effects', 'World', 'Percussion', 'Sound effects'];

/** @param {string[]} names all 128, by program number @param {string} [first] what an empty choice says */
export const instrumentGroups = (names, first) => [
  ...(first ? [make('option', { value: '' }, first)] : []),
  ...FAMILIES.map((label, family) => make('optgroup', { label },
    ...names.slice(8 * family, 8 * family + 8).map((name) => make('option', { value: name }, name)))),
];
