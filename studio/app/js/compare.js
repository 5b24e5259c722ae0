// Before and after: the photo and what became of it, with a slider between them.

import { calm, find } from './dom.js';

const REST = 50;
const SWEEP = 1100; // milliseconds

export class Compare {
  /**
   * @param {HTMLElement} frame
   * @param {() => boolean} done whether there is something to compare
   */
  constructor(frame, done) {
    this.frame = frame;
    this.done = done;
    this.slider = find(frame, '.compare', HTMLInputElement);
    this.slider.addEventListener('input', () => this.cut(Number(this.slider.value)));
  }

  /** @param {number} share of the photo before, from the left, in per cent */
  cut(share) {
    this.frame.style.setProperty('--cut', `${share}%`);
  }

  /** Half of either is to be seen. */
  half() {
    this.slider.value = String(REST);
    this.cut(REST);
  }

  /** Shows the photo first and draws it aside, unless the visitor wants no motion. */
  sweep() {
    this.slider.value = String(REST);
    if (calm()) {
      this.cut(REST);
      return;
    }
    const start = performance.now();
    const move = (/** @type {number} */ now) => {
      const part = Math.min(1, (now - start) / SWEEP);
      if (!this.done() || Number(this.slider.value) !== REST) return;
      this.cut(100 + (REST - 100) * (1 - (1 - part) ** 3));
      if (part < 1) requestAnimationFrame(move);
    };
    requestAnimationFrame(move);
  }
}
