// Pitches by name, and the pins and points that are written with them: "5:1=D4", "3:A5".

const NAMES = ['C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'Ab', 'A', 'Bb', 'B'];

/** @type {Record<string, number>} */
const SEMITONES = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };

/** The name of a MIDI pitch: 60 is C4. @param {number} pitch */
export const pitchName = (pitch) => `${NAMES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;

/**
 * The MIDI pitch of a name such as Bb3, or null.
 *
 * @param {string} text
 */
export function pitchOf(text) {
  const found = /^([A-Ga-g])([#b]*)(-?\d+)$/.exec(text.trim());
  if (!found) return null;
  const shift = [...found[2]].reduce((sum, sign) => sum + (sign === '#' ? 1 : -1), 0);
  return SEMITONES[found[1].toUpperCase()] + shift + 12 * (Number(found[3]) + 1);
}

/**
 * A pin as numbers, or null: "5:1 1/2=D4" is bar 5, beat 1.5, pitch 62.
 *
 * @param {string} text
 */
export function pinOf(text) {
  const found = /^(\d+):([\d./ ]+)=([A-Ga-g][#b]*-?\d+)/.exec(text.trim());
  const pitch = found && pitchOf(found[3]);
  if (!found || pitch == null) return null;
  const parts = found[2].trim().split(' ').map((part) => {
    const [above, below = '1'] = part.split('/');
    return Number(above) / Number(below);
  });
  return { bar: Number(found[1]), beat: parts.reduce((sum, part) => sum + part, 0), pitch };
}
