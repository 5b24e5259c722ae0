// A line drawn by hand, one point a bar, kept as the recipe writes it: ["1:D4", "5:A5"].

import { find, pen } from './dom.js';
import { barsAsked, onBarsAsked } from './gradio_page.js';
import { pitchName } from './pitches.js';
import { Points } from './points.js';
import { colour, onTheme } from './theme.js';
import { control } from './value.js';

/** @import { Widget } from './types' */

const [LOW, HIGH] = [55, 86];
const MARGIN = 8;

const bars = () => Math.max(2, barsAsked() || 16);
const within = (/** @type {number} */ value, /** @type {number} */ low, /** @type {number} */ high) =>
  Math.min(high, Math.max(low, value));

/** @param {Widget<{info: string}>} widget */
export function open(widget) {
  const { element, props } = widget;
  find(element, '.info').textContent = props.info;
  const line = new Contour(find(element, 'canvas', HTMLCanvasElement), find(element, '.told'));
  const write = () => { keep(line.written()); line.draw(); };
  const keep = control(widget, () => line.read(props.value ?? []));
  line.listen(write);
  find(element, '[data-do=wipe]').addEventListener('click', () => { line.points.of.clear(); write(); });
  new ResizeObserver(() => line.draw()).observe(line.canvas);
  onBarsAsked(() => line.draw());
  onTheme(() => line.draw());
}

class Contour {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLElement} told
   */
  constructor(canvas, told) {
    this.canvas = canvas;
    this.told = told;
    this.points = new Points();
    this.bar = 1; // where the keyboard is
  }

  /** @param {string[]} written */
  read(written) {
    this.points.read(written);
    this.draw();
  }

  written() {
    return this.points.written();
  }

  draw() {
    const { canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    const [wide, high] = [canvas.clientWidth || 300, canvas.clientHeight || 110];
    canvas.width = wide * ratio;
    canvas.height = high * ratio;
    const brush = pen(canvas);
    brush.scale(ratio, ratio);
    const y = (/** @type {number} */ pitch) =>
      high - MARGIN - ((pitch - LOW) / (HIGH - LOW)) * (high - 2 * MARGIN);
    drawGrid(brush, wide, high, y);
    const line = this.points.sorted().filter(([bar]) => bar <= bars());
    this.drawLine(brush, line.map(([bar, pitch]) => [((bar - 0.5) / bars()) * wide, y(pitch), bar]));
    const words = line.map(([bar, pitch]) => `bar ${bar} ${pitchName(pitch)}`).join(', ');
    this.told.textContent = words || 'No line drawn.';
  }

  /**
   * @param {CanvasRenderingContext2D} brush
   * @param {number[][]} line x, y and bar of each point
   */
  drawLine(brush, line) {
    brush.strokeStyle = brush.fillStyle = colour('--accent');
    brush.lineWidth = 2;
    brush.beginPath();
    line.forEach(([x, y], place) => (place ? brush.lineTo(x, y) : brush.moveTo(x, y)));
    brush.stroke();
    const focused = document.activeElement === this.canvas;
    for (const [x, y, bar] of line) {
      brush.beginPath();
      brush.arc(x, y, bar === this.bar && focused ? 5 : 3, 0, 7);
      brush.fill();
    }
  }

  /** @param {PointerEvent} event */
  put(event) {
    const box = this.canvas.getBoundingClientRect();
    this.bar = within(Math.ceil(((event.clientX - box.left) / box.width) * bars()), 1, bars());
    const share = 1 - (event.clientY - box.top - MARGIN) / (box.height - 2 * MARGIN);
    this.points.of.set(this.bar, Math.round(LOW + within(share, 0, 1) * (HIGH - LOW)));
    this.draw();
  }

  /** @param {() => void} write called when a line or a point is drawn to its end */
  listen(write) {
    const { canvas } = this;
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.put(event);
    });
    canvas.addEventListener('pointermove', (event) => { if (event.buttons) this.put(event); });
    canvas.addEventListener('pointerup', write);
    canvas.addEventListener('keydown', (event) => this.key(event, write));
    for (const change of ['focus', 'blur']) canvas.addEventListener(change, () => this.draw());
  }

  /**
   * @param {KeyboardEvent} event
   * @param {() => void} write
   */
  key(event, write) {
    if (event.key === 'Delete' || event.key === 'Backspace') {
      this.points.of.delete(this.bar);
      event.preventDefault();
      write();
      return;
    }
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!step) return;
    const [along, up] = step;
    event.preventDefault();
    this.bar = within(this.bar + along, 1, bars());
    if (up) {
      this.points.of.set(this.bar, within((this.points.of.get(this.bar) ?? 69) + up, LOW, HIGH));
      write();
    } else {
      this.draw();
    }
    const pitch = this.points.of.get(this.bar);
    this.told.textContent = `bar ${this.bar}${pitch == null ? ', no point' : ` ${pitchName(pitch)}`}`;
  }
}

/**
 * @param {CanvasRenderingContext2D} brush
 * @param {number} wide
 * @param {number} high
 * @param {(pitch: number) => number} y
 */
function drawGrid(brush, wide, high, y) {
  const count = bars();
  brush.strokeStyle = colour('--line');
  for (let bar = 1; bar < count; bar += 1) {
    brush.globalAlpha = bar % 4 ? 0.5 : 1;
    brush.beginPath();
    brush.moveTo((bar / count) * wide, 0);
    brush.lineTo((bar / count) * wide, high);
    brush.stroke();
  }
  brush.globalAlpha = 1;
  brush.fillStyle = colour('--quiet');
  brush.font = '11px sans-serif';
  for (const pitch of [60, 72, 84]) brush.fillText(pitchName(pitch), 4, y(pitch) + 4);
}
