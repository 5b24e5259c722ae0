// A preview on the stage, painted at once while a slider is dragged. One is painted at a time, and then the latest that
// was wanted meanwhile; it becomes a work only when somebody asks for it. As long as a slider is held, previews are
// small and follow it; once it is let go, the preview has all that the work will have.

import { onDials } from './address.js';
import { asked } from './server.js';
import { visitor } from './visitor.js';

/** @import { Offer, Widget } from './types' */

/** Milliseconds after a touch in which a changed dial counts as the visitor's own. */
const TOUCH = 1500;

/** Keys that move a slider. */
const MOVES = new Set(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'PageUp', 'PageDown']);

/**
 * @typedef {object} Easel
 * @property {(moving: boolean) => Offer | null} photo what is to be painted now; null while something else is on the
 *   stage. moving: the visitor has just moved something
 * @property {() => ({style: Offer[], weights: number[]} | null)} palette
 * @property {() => void} leave nothing can be previewed any more
 * @property {(told: {view: string, seconds: number, smaller: boolean, held: boolean}) => void} show
 */

export class Glimpse {
  /** @param {Widget<{desk: string}>} widget with the server function `glimpse` @param {Easel} easel */
  constructor({ props, server }, easel) {
    this.server = server;
    this.easel = easel;
    /** @type {any[] | null} */
    this.values = null;
    this.busy = this.again = false;
    /** Whether the preview on its way is a small one, and the last that was shown is. */
    this.small = this.rough = false;
    this.turn = 0;
    this.touched = 0;
    /** A slider is held, by mouse, finger or key. */
    this.held = false;
    const touch = (/** @type {Event} */ event) => {
      if (!event.isTrusted) return;
      this.touched = performance.now();
      if (event.type !== 'input' && isSlider(event.target)) this.held = event.type === 'pointerdown' || MOVES.has(/** @type {KeyboardEvent} */ (event).key);
    };
    const letGo = () => {
      if (!this.held) return;
      this.held = false;
      if (this.rough || this.small) this.ask();
    };
    for (const event of ['input', 'pointerdown', 'keydown']) document.addEventListener(event, touch, { capture: true, passive: true });
    for (const event of ['pointerup', 'keyup', 'touchend', 'touchcancel']) document.addEventListener(event, letGo, { capture: true, passive: true });
    addEventListener('blur', letGo);
    onDials(props.desk, (dials) => {
      this.values = dials.map(([, value]) => value);
      this.ask();
    });
  }

  /** Whether the visitor has just moved something. */
  get moving() {
    return performance.now() - this.touched < TOUCH;
  }

  async ask() {
    const [photo, palette] = [this.easel.photo(this.moving), this.easel.palette()];
    if (photo && !palette) this.easel.leave();
    if (!photo || !palette) return;
    const { held } = this;
    // A small preview does not wait for a large one, which is given up.
    if (this.busy && (this.small || !held)) {
      this.again = true;
      return;
    }
    this.busy = true;
    this.small = held;
    const turn = ++this.turn;
    const overWork = !this.easel.photo(false);
    try {
      const told = await asked(this.server.glimpse({ photo, ...palette, values: this.values, held, owner: visitor() }));
      // Two that were asked for closely one after the other may have arrived the other way round.
      if (told.overtaken) this.again = true;
      // Meanwhile a painting may have come that cannot be previewed, or the work itself, which is not painted over.
      if (turn === this.turn && told.view && this.easel.palette() && this.easel.photo(overWork) === photo) {
        this.rough = told.held;
        this.easel.show(told);
      }
    } catch { /* nobody pressed anything; the button says what is wrong */ }
    if (turn !== this.turn) return;
    this.busy = this.small = false;
    if (!this.again && (!held || this.held)) return;
    this.again = false;
    this.ask();
  }
}

/** @param {EventTarget | null} target */
const isSlider = (target) => target instanceof HTMLInputElement && target.type === 'range';
