// A preview on the stage, painted at once while a slider is dragged. One is painted at a time, and then the latest that
// was wanted meanwhile; it becomes a work only when somebody asks for it.

import { onDials } from './address.js';
import { asked } from './server.js';

/** @import { Offer, Widget } from './types' */

/** Milliseconds after a touch in which a changed dial counts as the visitor's own. */
const TOUCH = 1500;

/**
 * @typedef {object} Easel
 * @property {(moving: boolean) => Offer | null} photo what is to be painted now; null while something else is on the
 *   stage. moving: the visitor has just moved something
 * @property {() => ({style: Offer[], weights: number[]} | null)} palette
 * @property {() => void} leave nothing can be previewed any more
 * @property {(told: {view: string, seconds: number, smaller: boolean}) => void} show
 */

export class Glimpse {
  /** @param {Widget<{desk: string}>} widget with the server function `glimpse` @param {Easel} easel */
  constructor({ props, server }, easel) {
    this.server = server;
    this.easel = easel;
    /** @type {any[] | null} */
    this.values = null;
    this.busy = this.again = false;
    this.touched = 0;
    const touch = (/** @type {Event} */ event) => { if (event.isTrusted) this.touched = performance.now(); };
    for (const event of ['input', 'pointerdown', 'keydown']) document.addEventListener(event, touch, { capture: true, passive: true });
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
    if (this.busy) {
      this.again = true;
      return;
    }
    this.busy = true;
    const overWork = !this.easel.photo(false);
    try {
      const told = await asked(this.server.glimpse({ photo, ...palette, values: this.values }));
      // Meanwhile a painting may have come that cannot be previewed, or the work itself, which is not painted over.
      if (told.view && this.easel.palette() && this.easel.photo(overWork) === photo) this.easel.show(told);
    } catch { /* nobody pressed anything; the button says what is wrong */ }
    this.busy = false;
    if (!this.again) return;
    this.again = false;
    this.ask();
  }
}
