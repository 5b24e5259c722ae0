// The mask: painted over the photo, at no more than 1024 px whatever the photo's size. Its alpha is the mask.

import { find, make, pen } from './dom.js';

const MOST = 1024;
const MOST_UNDONE = 16;

/** The colours of the brush: stripes, so that one of the two shows on any photo; and how wide each is. */
const [LIGHT, DARK, WIDE] = ['rgb(240 179 106)', 'rgb(38 28 60)', 10];

/** Diagonal stripes. @param {CanvasRenderingContext2D} canvas where they are used */
function stripes(canvas) {
  const tile = make('canvas', { width: 2 * WIDE, height: 2 * WIDE });
  const brush = pen(tile);
  brush.fillStyle = LIGHT;
  brush.fillRect(0, 0, 2 * WIDE, 2 * WIDE);
  brush.fillStyle = DARK;
  for (const corners of [[[1, 0], [2, 0], [0, 2], [0, 1]], [[2, 1], [2, 2], [1, 2]]]) {
    brush.beginPath();
    for (const [x, y] of corners) brush.lineTo(x * WIDE, y * WIDE);
    brush.fill();
  }
  return canvas.createPattern(tile, 'repeat') ?? LIGHT;
}

export class Mask {
  /**
   * @param {HTMLElement} stage
   * @param {() => boolean} painting whether the visitor paints now
   */
  constructor(stage, painting) {
    this.stage = stage;
    this.painting = painting;
    this.canvas = find(stage, 'canvas.mask', HTMLCanvasElement);
    this.width = find(stage, '.brush-size input', HTMLInputElement);
    this.brush = find(stage, '.brush');
    this.pen = pen(this.canvas, { willReadFrequently: true });
    this.stripes = stripes(this.pen);
    this.painted = false;
    this.erasing = false;
    /** @type {{x: number, y: number} | null} where the stroke is, in pixels of the mask */
    this.last = null;
    /** @type {ImageData[]} what was there before each stroke */
    this.undone = [];
    /** Where the keyboard is, as shares of the width and the height. */
    this.at = { x: 0.5, y: 0.5 };
    this.onPaint = () => {};
    this.listen();
  }

  /** Fits the mask to the photo's shape. @param {number} width @param {number} height */
  shape(width, height) {
    const scale = Math.min(1, MOST / Math.max(width, height));
    const [wide, high] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
    if (this.canvas.width === wide && this.canvas.height === high) return;
    this.canvas.width = wide;
    this.canvas.height = high;
  }

  /** Nothing is painted any more, and nothing can be undone. */
  wipe() {
    this.clear();
    this.undone.length = 0;
  }

  /** Nothing is painted any more; that can be undone. */
  clear() {
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.painted = false;
  }

  pixels() {
    return this.pen.getImageData(0, 0, this.canvas.width, this.canvas.height);
  }

  /** What was painted before is there again. @param {ImageData} pixels */
  put(pixels) {
    this.pen.putImageData(pixels, 0, 0);
    this.painted = true;
  }

  remember() {
    this.undone.push(this.pixels());
    if (this.undone.length > MOST_UNDONE) this.undone.shift();
  }

  undo() {
    const before = this.undone.pop();
    if (before) this.pen.putImageData(before, 0, 0);
  }

  invert() {
    this.remember();
    this.repaint((data, i) => 255 - data[i + 3]);
    this.painted = true;
  }

  /** Draws a mask that was made earlier: light becomes opaque. @param {HTMLImageElement} image */
  draw(image) {
    this.pen.globalCompositeOperation = 'source-over';
    this.pen.drawImage(image, 0, 0, this.canvas.width, this.canvas.height);
    this.repaint((data, i) => data[i]);
  }

  /** Paints every pixel again. @param {(data: Uint8ClampedArray, i: number) => number} opacity */
  repaint(opacity) {
    const pixels = this.pixels();
    const { data } = pixels;
    for (let i = 0; i < data.length; i += 4) data[i + 3] = opacity(data, i);
    this.pen.putImageData(pixels, 0, 0);
    this.tint(0, 0, this.canvas.width, this.canvas.height);
  }

  /** Gives what is painted there the brush's colours. @param {number} x @param {number} y @param {number} wide @param {number} high */
  tint(x, y, wide, high) {
    this.pen.globalCompositeOperation = 'source-atop';
    this.pen.fillStyle = this.stripes;
    this.pen.fillRect(x, y, wide, high);
  }

  /** Whether anything is painted. */
  has() {
    if (!this.painted) return false;
    const { data } = this.pixels();
    for (let i = 3; i < data.length; i += 4) if (data[i] > 8) return true;
    return false;
  }

  /** The mask as a picture: white where it is painted, black elsewhere. @returns {Promise<File>} */
  file() {
    const { width, height } = this.canvas;
    const grey = make('canvas', { width, height });
    const brush = pen(grey);
    brush.drawImage(this.canvas, 0, 0);
    const layers = /** @type {const} */ ([['source-in', '#fff'], ['destination-over', '#000']]);
    for (const [way, colour] of layers) {
      brush.globalCompositeOperation = way;
      brush.fillStyle = colour;
      brush.fillRect(0, 0, width, height);
    }
    return new Promise((done) => {
      grey.toBlob((blob) => done(new File([blob ?? ''], 'mask.png', { type: 'image/png' })), 'image/png');
    });
  }

  // --- The brush

  /** Half the width of the brush, in pixels of the mask. */
  radius() {
    return ((Number(this.width.value) / 100) * Math.max(this.canvas.width, this.canvas.height)) / 2;
  }

  /** @param {number} x @param {number} y */
  stamp(x, y) {
    const reach = this.radius();
    const soft = this.pen.createRadialGradient(x, y, reach * 0.55, x, y, reach);
    soft.addColorStop(0, 'rgb(0 0 0 / 1)');
    soft.addColorStop(1, 'rgb(0 0 0 / 0)');
    this.pen.globalCompositeOperation = this.erasing ? 'destination-out' : 'source-over';
    this.pen.fillStyle = soft;
    this.pen.fillRect(x - reach, y - reach, 2 * reach, 2 * reach);
    this.tint(x - reach, y - reach, 2 * reach, 2 * reach);
  }

  /** Paints from where the stroke is. @param {number} x @param {number} y */
  strokeTo(x, y) {
    const from = this.last ?? { x, y };
    const apart = Math.hypot(x - from.x, y - from.y);
    const count = Math.max(1, Math.ceil(apart / Math.max(1, this.radius() / 4)));
    for (let i = 1; i <= count; i += 1) {
      this.stamp(from.x + ((x - from.x) * i) / count, from.y + ((y - from.y) * i) / count);
    }
    this.last = { x, y };
    this.painted = true;
    this.onPaint();
  }

  /** Where an event is, in pixels of the mask. @param {PointerEvent} event @returns {[number, number]} */
  place(event) {
    const { canvas } = this;
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * canvas.width,
      ((event.clientY - box.top) / box.height) * canvas.height,
    ];
  }

  /** Shows where the brush is and how wide. @param {number} x @param {number} y */
  markBrush(x, y) {
    const scale = this.canvas.clientWidth / this.canvas.width;
    const across = `${2 * this.radius() * scale}px`;
    const [left, top] = [`${x * scale}px`, `${y * scale}px`];
    Object.assign(this.brush.style, { display: 'block', width: across, height: across, left, top });
  }

  hideBrush() {
    this.brush.style.display = 'none';
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener('pointerdown', (event) => {
      if (!this.painting() || event.button > 0) return;
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      this.remember();
      this.last = null;
      this.strokeTo(...this.place(event));
    });
    canvas.addEventListener('pointermove', (event) => {
      if (!this.painting()) return;
      this.markBrush(...this.place(event));
      if (!this.last || !event.buttons) return;
      for (const each of event.getCoalescedEvents?.() ?? [event]) this.strokeTo(...this.place(each));
    });
    for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, () => { this.last = null; });
    canvas.addEventListener('pointerleave', () => { if (!this.last) this.hideBrush(); });
    canvas.addEventListener('keydown', (event) => this.key(event));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step && event.key !== ' ' && event.key !== 'Enter') return;
    event.preventDefault();
    const { at, canvas } = this;
    if (step) {
      const reach = this.radius() / Math.max(canvas.width, canvas.height);
      at.x = Math.min(1, Math.max(0, at.x + step[0] * reach));
      at.y = Math.min(1, Math.max(0, at.y + step[1] * reach));
    } else {
      this.remember();
      this.last = null;
      this.strokeTo(at.x * canvas.width, at.y * canvas.height);
      this.last = null;
    }
    this.markBrush(at.x * canvas.width, at.y * canvas.height);
  }
}
