// What is set on a roll: notes that are dragged become pins, and a line is drawn for the melody to follow. All of it
// goes by the keyboard too.

import { around } from './dom.js';
import { beatText, pinAt, withPin } from './pins.js';
import { pinOf, pitchName } from './pitches.js';
import { Points } from './points.js';

/** @import { Constraints } from './constraints' */
/** @import { Place } from './pins' */
/** @import { Roll } from './roll' */

/** Pixels that a press may move and still be a click; the same to the side before a note leaves its place. */
const [STILL, ASIDE] = [4, 16];

/** @typedef {{place: Place, pitch: number, x: number, y: number, moved: boolean, to: {place: Place, pitch: number} | null}} Drag */

export class Editing {
  /**
   * @param {Roll} roll
   * @param {Constraints} constraints
   * @param {(sentence: string) => void} say
   */
  constructor(roll, constraints, say) {
    this.roll = roll;
    this.constraints = constraints;
    this.say = say;
    /** @type {'listen' | 'pins' | 'line'} what a click does */
    this.mode = 'listen';
    /** @type {Drag | null} */
    this.drag = null;
    /** @type {[number, number] | null} bar and pitch where the pen is */
    this.pen = null;
    this.bar = 1; // where the keyboard is on the line
    const { notes } = roll;
    notes.addEventListener('pointerdown', (event) => this.down(event));
    notes.addEventListener('pointermove', (event) => this.move(event));
    notes.addEventListener('pointerup', (event) => this.up(event));
    notes.addEventListener('pointercancel', () => this.drop());
    notes.addEventListener('click', (event) => this.click(event), { capture: true });
    this.dispose = constraints.on(() => this.draw());
  }

  draw() {
    this.roll.drawPins(this.constraints.list('pins'));
    if (!this.pen) this.roll.drawLine(new Points(this.constraints.list('contour')), this.mode === 'line' ? this.bar : 0);
  }

  /** @param {'listen' | 'pins' | 'line'} mode */
  turn(mode) {
    this.mode = mode;
    this.roll.notes.dataset.mode = mode;
    this.draw();
  }

  // --- Pins

  /**
   * @param {Place} place
   * @param {number | null} pitch null takes the pin away
   */
  pin(place, pitch) {
    const { constraints } = this;
    const before = constraints.list('pins');
    const there = pinAt(before, place);
    if (pitch == null && there < 0) return;
    constraints.set('pins', withPin(before, place, pitch));
    this.say(pitch == null
      ? `Pin ${before[there]} removed.`
      : `Pinned ${pitchName(pitch)} in bar ${place.bar} at beat ${beatText(place.beat)}. The next takes will have it there.`);
  }

  /** A note's own place, and the pitch that is pinned there, if any. @param {number} number @returns {{place: Place, pitch: number, pinned: number | null} | null} */
  noteAt(number) {
    const note = this.roll.music?.notes[number];
    if (!note) return null;
    const place = this.roll.placeOf(note.at, true);
    const pins = this.constraints.list('pins');
    return { place, pitch: note.pitch, pinned: pinOf(pins[pinAt(pins, place)] ?? '')?.pitch ?? null };
  }

  /** Pins a note where it is, or lets its pin go. @param {number} number */
  toggle(number) {
    const there = this.noteAt(number);
    if (there) this.pin(there.place, there.pinned == null ? there.pitch : null);
  }

  /** A key on the chosen note. Gives whether it was one of these. @param {KeyboardEvent} event @param {number} number */
  key(event, number) {
    if (this.mode === 'line') return this.keyOnLine(event);
    const up = { ArrowUp: 1, ArrowDown: -1, PageUp: 12, PageDown: -12 }[event.key];
    const there = this.noteAt(number);
    if (!there) return false;
    if (up) this.pin(there.place, this.roll.within((there.pinned ?? there.pitch) + up));
    else if (event.key === 'Enter') this.toggle(number);
    else if (event.key === 'Delete' || event.key === 'Backspace') this.pin(there.place, null);
    else return false;
    return true;
  }

  // --- The line

  /** @param {KeyboardEvent} event */
  keyOnLine(event) {
    const bars = this.roll.music?.bars.length ?? 1;
    const points = new Points(this.constraints.list('contour'));
    const along = { ArrowLeft: -1, ArrowRight: 1, Home: -bars, End: bars }[event.key];
    const up = { ArrowUp: 1, ArrowDown: -1, PageUp: 12, PageDown: -12 }[event.key];
    if (along) this.bar = Math.min(bars, Math.max(1, this.bar + along));
    else if (up) {
      const before = points.of.get(this.bar) ?? this.middle();
      points.of.set(this.bar, this.roll.within(before + up));
      this.constraints.set('contour', points.written());
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      points.of.delete(this.bar);
      this.constraints.set('contour', points.written());
    } else return false;
    this.draw();
    const pitch = points.of.get(this.bar);
    this.say(`Bar ${this.bar}${pitch == null ? ': the line has no point here.' : `: the line is at ${pitchName(pitch)}.`}`);
    return true;
  }

  /** The pitch that the melody has around the bar where the keyboard is. */
  middle() {
    const notes = this.roll.music?.notes ?? [];
    return (notes.find((note) => note.bar === this.bar) ?? notes[0])?.pitch ?? 69;
  }

  /** @param {PointerEvent} event */
  sketch(event) {
    const [seconds, pitch] = this.roll.under(event);
    /** @type {[number, number]} */
    const here = [this.roll.placeOf(seconds).bar, pitch];
    this.roll.points.stroke(this.pen ?? here, here);
    this.pen = here;
    this.bar = here[0];
    this.roll.drawLine(this.roll.points, this.bar);
  }

  // --- The pointer

  /** @param {PointerEvent} event */
  down(event) {
    if (event.button !== 0 || !this.roll.music) return;
    if (this.mode === 'line') {
      this.roll.notes.setPointerCapture(event.pointerId);
      this.pen = null;
      this.sketch(event);
      return;
    }
    const pinned = pinOf(around(event, '.pinned')?.dataset.pin ?? '');
    const number = pinned ? null : this.roll.noteUnder(event);
    const note = number == null ? null : this.noteAt(number);
    const grabbed = pinned ? { place: pinned, pitch: pinned.pitch } : note;
    if (grabbed) {
      const { place, pitch } = grabbed;
      this.drag = { place: { bar: place.bar, beat: place.beat }, pitch, x: event.clientX, y: event.clientY, moved: false, to: null };
    }
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (this.mode === 'line') {
      if (this.pen) this.sketch(event);
      return;
    }
    const { drag, roll } = this;
    if (!drag) return;
    const [aside, up] = [event.clientX - drag.x, drag.y - event.clientY];
    if (!drag.moved && Math.hypot(aside, up) < STILL) return;
    if (!drag.moved) roll.notes.setPointerCapture(event.pointerId);
    drag.moved = true;
    const box = roll.notes.getBoundingClientRect();
    const pitch = roll.within(drag.pitch + Math.round((up * roll.rows) / box.height));
    const far = Math.abs(aside) > ASIDE;
    const place = far ? roll.placeOf(roll.under(event)[0]) : drag.place;
    drag.to = { place, pitch };
    roll.haunt(roll.momentOf(place), pitch, `${pitchName(pitch)} · bar ${place.bar}, beat ${beatText(place.beat)}`);
    roll.notes.classList.add('dragging');
  }

  /** @param {PointerEvent} event */
  up(event) {
    if (this.pen) {
      event.preventDefault();
      this.pen = null;
      this.constraints.set('contour', this.roll.points.written());
      this.say(`The melody will follow this line: ${this.roll.points.inWords()}.`);
      return;
    }
    const { drag } = this;
    this.drop();
    if (!drag?.moved || !drag.to) return;
    this.justDragged = true;
    setTimeout(() => { this.justDragged = false; }, 0);
    const { constraints } = this;
    // A pin that is moved elsewhere leaves its place.
    if (pinAt(constraints.list('pins'), drag.place) >= 0) {
      constraints.values.set('pins', withPin(constraints.list('pins'), drag.place, null));
    }
    this.pin(drag.to.place, drag.to.pitch);
  }

  drop() {
    this.drag = null;
    this.roll.haunt(null);
    this.roll.notes.classList.remove('dragging');
  }

  /** @param {MouseEvent} event */
  click(event) {
    if (this.justDragged || this.mode === 'line') {
      event.preventDefault();
      return;
    }
    if (this.mode !== 'pins') return;
    event.preventDefault();
    const pinned = pinOf(around(event, '.pinned')?.dataset.pin ?? '');
    const hit = around(event, '.note')?.dataset.number;
    if (pinned) this.pin(pinned, null);
    else if (hit != null) this.toggle(Number(hit));
    else {
      const [seconds, pitch] = this.roll.under(event);
      const place = this.roll.placeOf(seconds);
      const there = pinOf(this.constraints.list('pins')[pinAt(this.constraints.list('pins'), place)] ?? '');
      this.pin(place, there?.pitch === pitch ? null : pitch);
    }
  }
}
