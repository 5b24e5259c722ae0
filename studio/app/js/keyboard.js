// A small keyboard on which one shows the range, the first note and the last.

import { all, find, make } from './dom.js';
import { constraintsOf } from './constraints.js';
import { pitchName, pitchOf } from './pitches.js';

/** @import { Constraints } from './constraints' */
/** @import { Widget } from './types' */

const [LOW, HIGH] = [48, 88]; // C3 to E6
const MIDDLE = 60;
const BLACK = [1, 3, 6, 8, 10];

/** @type {[string, string][]} field and label */
const TOOLS = [['range', 'Range'], ['start', 'First note'], ['end', 'Last note']];

/** @param {Widget<{tab: string}>} widget */
export function open(widget) {
  const keyboard = new Keyboard(find(widget.element, '.keyboard'), constraintsOf(widget.props.tab));
  keyboard.draw();
}

class Keyboard {
  /** @param {HTMLElement} element @param {Constraints} constraints */
  constructor(element, constraints) {
    this.constraints = constraints;
    this.told = find(element, '.told');
    this.keys = find(element, '.keys');
    this.tool = 'range';
    this.at = MIDDLE + 7; // where the arrow keys are
    /** @type {number | null} the first end of a range, until the other is shown */
    this.from = null;
    this.buttons = TOOLS.map(([field, label]) =>
      make('button', { type: 'button', class: 'small', 'data-tool': field, onclick: () => this.choose(field) }, label));
    find(element, '.tools').append(...this.buttons);
    this.keys.append(...Array.from({ length: HIGH - LOW + 1 }, (_, number) => key(LOW + number)));
    this.keys.addEventListener('keydown', (event) => this.key(event));
    this.keys.addEventListener('pointerdown', (event) => this.down(event));
    this.keys.addEventListener('pointerover', (event) => { if (event.buttons && this.from != null) this.show(pitchUnder(event)); });
    this.keys.addEventListener('click', (event) => this.click(event));
    constraints.on(() => this.draw());
    // The range of most tunes is in sight.
    new ResizeObserver((_, watching) => {
      const box = find(element, '.keys-box');
      if (!box.clientWidth) return;
      box.scrollLeft = find(this.keys, `[data-pitch="${MIDDLE - 3}"]`).offsetLeft;
      watching.disconnect();
    }).observe(element);
    this.choose('range');
  }

  /** @param {string} tool */
  choose(tool) {
    this.tool = tool;
    this.from = null;
    for (const each of this.buttons) each.setAttribute('aria-pressed', String(each.dataset.tool === tool));
    this.draw();
  }

  // --- What is set

  /** @returns {[number, number] | null} */
  get range() {
    const [low, high] = this.constraints.text('range').split(':').map((each) => pitchOf(each ?? ''));
    return low != null && high != null ? [low, high] : null;
  }

  /** @param {number} pitch */
  press(pitch) {
    const { tool, constraints } = this;
    if (tool !== 'range') {
      // A second press means this note in any octave, a third lets it go.
      const [name, anywhere] = [pitchName(pitch), pitchName(pitch).replace(/-?\d+$/, '')];
      const now = constraints.text(tool);
      constraints.set(tool, now === name ? anywhere : now === anywhere ? '' : name);
    } else if (this.from == null) {
      this.from = pitch;
      this.draw();
    } else {
      const [low, high] = [Math.min(this.from, pitch), Math.max(this.from, pitch)];
      this.from = null;
      constraints.set('range', `${pitchName(low)}:${pitchName(high)}`);
    }
  }

  // --- What the visitor does

  /** @param {PointerEvent} event */
  down(event) {
    const pitch = pitchUnder(event);
    this.dragged = false;
    if (this.tool !== 'range' || pitch == null || event.pointerType === 'touch') return;
    const wasOpen = this.from != null;
    if (!wasOpen) this.from = pitch;
    const up = (/** @type {PointerEvent} */ released) => {
      const end = pitchUnder(released);
      if (wasOpen || (end != null && end !== pitch)) {
        this.dragged = true;
        this.press(end ?? pitch);
      } else this.dragged = true; // the first end is set; the other is still to be shown
      this.draw();
    };
    window.addEventListener('pointerup', up, { once: true });
  }

  /** @param {MouseEvent} event */
  click(event) {
    const pitch = pitchUnder(event);
    // What a press and its release have done already is not done again; a keyboard's click has neither.
    if (this.dragged && event.detail) {
      this.dragged = false;
      return;
    }
    if (pitch != null) this.press(pitch);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -12, ArrowUp: 12, Home: LOW - HIGH, End: HIGH - LOW }[event.key];
    if (!step) return;
    event.preventDefault();
    this.at = Math.min(HIGH, Math.max(LOW, this.at + step));
    this.draw();
    find(this.keys, `[data-pitch="${this.at}"]`).focus();
  }

  // --- Drawing

  /** @param {number | null} [until] where a range that is being shown ends now */
  show(until = null) {
    const [low, high] = this.from == null ? this.range ?? [1, 0]
      : [Math.min(this.from, until ?? this.from), Math.max(this.from, until ?? this.from)];
    for (const each of all(this.keys, '.key')) {
      const pitch = Number(each.dataset.pitch);
      each.classList.toggle('in-range', pitch >= low && pitch <= high);
      const marks = [this.marked('start', pitch) && 'first', this.marked('end', pitch) && 'last'].filter(Boolean);
      each.dataset.marks = marks.join(' · ');
      each.tabIndex = pitch === this.at ? 0 : -1;
    }
  }

  /** Whether the first or last note is this one, in its octave or in any. @param {string} field @param {number} pitch */
  marked(field, pitch) {
    const text = this.constraints.text(field);
    return pitchOf(text) === pitch || (/^[A-G][#b]?$/.test(text) && pitchOf(`${text}4`) != null
      && (Number(pitchOf(`${text}4`)) - pitch) % 12 === 0);
  }

  draw() {
    this.show();
    this.told.textContent = this.words();
  }

  words() {
    const { constraints, tool, from } = this;
    if (from != null) return `From ${pitchName(from)}. Now press the other end.`;
    const set = constraints.text(tool);
    if (tool === 'range') return set ? `The melody stays within ${set.replace(':', ' to ')}.` : 'Press the lowest and the highest note, or drag from one to the other.';
    const which = tool === 'start' ? 'first' : 'last';
    if (!set) return `Press the ${which} note of the melody.`;
    return /\d/.test(set) ? `The ${which} note is ${set}. Press it again to allow any octave.` : `The ${which} note is a ${set} in any octave. Press it again to leave it open.`;
  }
}

/** @param {number} pitch */
function key(pitch) {
  const black = BLACK.includes(pitch % 12);
  const name = pitchName(pitch);
  const label = pitch % 12 ? '' : name;
  return make('button', { type: 'button', class: `key ${black ? 'black' : 'white'}`, 'data-pitch': pitch, 'aria-label': name, title: name },
    make('span', {}, label));
}

/** @param {Event} event */
function pitchUnder(event) {
  const hit = event.target instanceof Element ? event.target.closest('[data-pitch]') : null;
  return hit ? Number(hit.getAttribute('data-pitch')) : null;
}
