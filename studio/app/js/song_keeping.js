// What is kept of a song when the rest is asked for again.

/** @import { Music, Song } from './types' */

export class Keeping {
  /** @param {() => void} changed */
  constructor(changed) {
    this.changed = changed;
    /** @type {Song | null} */
    this.song = null;
    /** @type {Set<string>} such as "A2" */
    this.sections = new Set();
    /** @type {Set<number>} from 1 */
    this.bars = new Set();
    /** @type {Set<string>} */
    this.parts = new Set();
    /** @type {Set<string>} BAR:BEAT */
    this.notes = new Set();
    /** @type {Set<number>} bars whose chords are kept, from 1 */
    this.chords = new Set();
  }

  get isEmpty() {
    return !this.sections.size && !this.bars.size && !this.parts.size && !this.notes.size && !this.chords.size;
  }

  /** A section as the recipe calls it: its letter, and which of these it is. @param {number} place */
  sectionName(place) {
    const sections = this.song?.sections ?? [];
    const { letter } = sections[place];
    const number = sections.slice(0, place + 1).filter((each) => each.letter === letter).length;
    return sections.filter((each) => each.letter === letter).length > 1 ? `${letter}${number}` : letter;
  }

  /** @param {number} place */
  toggleSection(place) {
    toggle(this.sections, this.sectionName(place));
    this.changed();
  }

  /** @param {number} bar */
  toggleBar(bar) {
    toggle(this.bars, bar);
    this.changed();
  }

  /** The chords of a bar. @param {number} bar */
  toggleChords(bar) {
    toggle(this.chords, bar);
    this.changed();
  }

  /** @param {string} name */
  togglePart(name) {
    toggle(this.parts, name);
    this.changed();
  }

  /** @param {string} place */
  toggleNote(place) {
    toggle(this.notes, place);
    this.changed();
  }

  /** @param {'bars' | 'chords'} what @param {number[]} bars */
  set(what, bars) {
    this[what] = new Set(bars);
    this.changed();
  }

  /** One of the recipe's fields is to keep this instead. @param {string} field @param {any} value */
  change(field, value) {
    const sets = { keep: 'bars', keep_sections: 'sections', keep_parts: 'parts', keep_notes: 'notes', keep_chords: 'chords' };
    const name = /** @type {'bars' | 'sections' | 'parts' | 'notes' | 'chords' | undefined} */ (sets[/** @type {keyof typeof sets} */ (field)]);
    if (!name) return;
    const numbers = name === 'bars' || name === 'chords';
    const list = /** @type {string[]} */ (value ?? []);
    // @ts-ignore which of the two it holds depends on its name
    this[name] = new Set(numbers ? list.flatMap((each) => fromRuns(each, Infinity)) : list);
    this.changed();
  }

  clear() {
    for (const each of [this.sections, this.bars, this.parts, this.notes, this.chords]) each.clear();
    this.changed();
  }

  /** Bars that are kept, those of kept sections too. */
  allBars() {
    const found = new Set(this.bars);
    (this.song?.sections ?? []).forEach(({ first, bars }, place) => {
      if (this.sections.has(this.sectionName(place))) for (let bar = first; bar < first + bars; bar += 1) found.add(bar);
    });
    return found;
  }

  /**
   * Where a note begins, as the recipe says it: beats are counted in the meter's lower number.
   *
   * @param {Music} music
   * @param {number} number
   */
  placeOf(music, number) {
    const { at, bar } = music.notes[number];
    const [count] = music.meter.split('/').map(Number);
    const start = music.bars[bar - 1];
    const end = music.bars[bar] ?? music.end ?? music.seconds;
    const beat = 1 + (count * (at - start)) / (end - start);
    return `${bar}:${Number((Math.round(beat * 48) / 48).toFixed(3))}`;
  }

  /** As the recipe's fields. */
  asked() {
    return {
      keep_sections: [...this.sections],
      keep: [...this.bars].sort((one, other) => one - other).map(String),
      keep_parts: [...this.parts],
      keep_notes: [...this.notes],
      keep_chords: [...this.chords].sort((one, other) => one - other).map(String),
    };
  }
}

/** Bars as one writes them: "1-4 7". @param {Iterable<number>} bars */
export function inRuns(bars) {
  /** @type {[number, number][]} */
  const runs = [];
  for (const bar of [...bars].sort((one, other) => one - other)) {
    const last = runs.at(-1);
    if (last && last[1] === bar - 1) last[1] = bar;
    else runs.push([bar, bar]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(' ');
}

/** The bars that somebody wrote, of so many. @param {string} text @param {number} most */
export function fromRuns(text, most) {
  const found = [...text.matchAll(/(\d+)(?:\s*[-–]\s*(\d+))?/g)].flatMap(([, first, last]) => {
    const [from, to] = [Number(first), Math.min(most, Number(last ?? first))];
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, place) => from + place);
  });
  return found.filter((bar) => bar >= 1 && bar <= most);
}

/**
 * @template T
 * @param {Set<T>} set
 * @param {T} value
 */
function toggle(set, value) {
  if (!set.delete(value)) set.add(value);
}

/** @param {Keeping} keeping */
export function keptInWords({ sections, bars, parts, notes, chords }) {
  const words = [];
  if (sections.size) words.push(`section${sections.size > 1 ? 's' : ''} ${listed([...sections])}`);
  if (bars.size) words.push(bars.size > 1 ? `${bars.size} bars` : `bar ${[...bars][0]}`);
  if (chords.size) words.push(`the chords of ${chords.size > 1 ? `${chords.size} bars` : `bar ${[...chords][0]}`}`);
  if (parts.size) words.push(listed([...parts].map((name) => (/^[a-z]/.test(name) ? `the ${name}` : name))));
  if (notes.size) words.push(notes.size > 1 ? `${notes.size} notes` : 'a note');
  return listed(words);
}

/** @param {string[]} words */
const listed = (words) => (words.length > 1 ? `${words.slice(0, -1).join(', ')} and ${words.at(-1)}` : words.join(''));
