// Clicking, dragging and drawing on a figure, by pointer and by keyboard.

import { all, around, draw } from '../dom.js';
import { plotOf, unitsOf } from './plot.js';

/** @import { Lessons } from './lessons' */

/** @type {Record<string, [number, number]>} */
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * Listens to a figure's drawing.
 *
 * @param {Lessons} lessons
 * @param {HTMLElement} drawing
 * @param {string} name of the figure
 */
export function attend(lessons, drawing, name) {
  const hand = new Hand(lessons, drawing, name);
  drawing.addEventListener('pointerdown', (event) => hand.down(event));
  drawing.addEventListener('pointermove', (event) => hand.move(event));
  drawing.addEventListener('pointerup', () => hand.up());
  drawing.addEventListener('pointercancel', () => hand.up());
  drawing.addEventListener('click', (event) => hand.click(event));
  drawing.addEventListener('keydown', (event) => hand.key(event));
  drawing.addEventListener('pointerleave', (event) => hand.point(event, ''));
  drawing.addEventListener('focusin', (event) => {
    if (event.target instanceof Element && event.target.matches(':focus-visible')) hand.point(event, under(event));
  });
}

/** The weight or neuron that an event is on. @param {Event} event */
function under(event) {
  const found = around(event, '[data-link], [data-node]');
  return found?.dataset.link || found?.dataset.node || '';
}

class Hand {
  /** @param {Lessons} lessons @param {HTMLElement} drawing @param {string} name */
  constructor(lessons, drawing, name) {
    this.lessons = lessons;
    this.drawing = drawing;
    this.name = name;
    this.dragged = -1;
    /** @type {[number, number][] | null} the line that is being drawn */
    this.stroke = null;
  }

  get figure() {
    return this.lessons.scene?.figures.find((each) => each.name === this.name);
  }

  get plot() {
    return this.figure && plotOf(this.figure, unitsOf(this.drawing));
  }

  /** @param {string} name @param {object} more */
  send(name, more) {
    this.lessons.talk.send({ name, figure: this.name, ...more });
  }

  /** Where an event is, in the figure's coordinates. @param {MouseEvent} event @returns {[number, number]} */
  at(event) {
    const box = (this.drawing.firstElementChild ?? this.drawing).getBoundingClientRect();
    const { plot } = this;
    if (!plot) return [0, 0];
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return [plot.backX(x * unitsOf(this.drawing)), plot.backY(y * plot.height)];
  }

  /** @param {PointerEvent} event */
  down(event) {
    const dot = around(event, '[data-drag]');
    if (dot) this.dragged = Number(dot.dataset.drag);
    else if (this.figure?.draws && !around(event, '[data-press]')) {
      this.stroke = [this.at(event)];
      this.drawing.dataset.drawing = 'now';
    } else return;
    this.drawing.setPointerCapture(event.pointerId);
    event.preventDefault();
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (this.dragged >= 0) {
      const [x, y] = this.at(event);
      this.send('drag', { index: this.dragged, x, y });
    } else if (this.stroke) this.draw(event);
    this.point(event, under(event));
  }

  /** @param {PointerEvent} event */
  draw(event) {
    const { plot, stroke } = this;
    if (!plot || !stroke) return;
    stroke.push(this.at(event));
    const [a, b] = stroke.slice(-2);
    const d = `M${plot.X(a[0])} ${plot.Y(a[1])}L${plot.X(b[0])} ${plot.Y(b[1])}`;
    this.drawing.firstElementChild?.append(draw('path', { d, class: 'stroke' }));
  }

  up() {
    if (this.dragged < 0 && this.stroke) {
      delete this.drawing.dataset.drawing;
      this.send('stroke', { points: this.stroke });
      this.stroke = null;
    }
    this.dragged = -1;
  }

  /** Something is pointed at, or nothing any more. @param {Event} event @param {string} id */
  point(event, id) {
    const byTouch = event instanceof PointerEvent && event.pointerType === 'touch';
    if (!this.figure?.hovers || this.lessons.hovered === id || byTouch) return;
    this.lessons.hovered = id;
    this.send('hover', { id });
  }

  /** @param {MouseEvent} event */
  click(event) {
    const { figure } = this;
    const shift = event.shiftKey;
    const [button, link] = [around(event, '[data-press]'), around(event, '[data-link]')];
    const node = around(event, '[data-node]');
    if (button) return this.send('press', { id: button.dataset.press });
    if (link) return this.send('link', { id: link.dataset.link, shift });
    if (node) return this.send('node', { id: node.dataset.node, shift });
    if (!figure?.clicks || figure.draws || around(event, '[data-drag]')) return undefined;
    const [x, y] = this.at(event);
    const inside = x >= figure.x[0] && x <= figure.x[1] && y >= figure.y[0] && y <= figure.y[1];
    return inside ? this.send('click', { x, y, shift }) : undefined;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { key } = event;
    const presses = key === 'Enter' || key === ' ';
    const [link, node] = [around(event, '[data-link]'), around(event, '[data-node]')];
    const [button, dot] = [around(event, '[data-press]'), around(event, '[data-drag]')];
    if (link && presses) {
      event.stopPropagation();
      this.send('link', { id: link.dataset.link });
    } else if (link && key in STEPS) this.toNextLink(link, key === 'ArrowRight' || key === 'ArrowDown' ? 1 : -1);
    else if (button && presses) this.send('press', { id: button.dataset.press });
    else if (node && presses) this.send('node', { id: node.dataset.node });
    else if (dot && key in STEPS) this.moveDot(Number(dot.dataset.drag), STEPS[key]);
    else return;
    event.preventDefault();
  }

  /**
   * One weight of a drawing is in the tab order; the arrows go from it to the next, biases last.
   *
   * @param {Element} link
   * @param {number} way
   */
  toNextLink(link, way) {
    const isBias = (/** @type {SVGElement} */ each) => Number(each.dataset.link?.endsWith(':bias'));
    const links = all(this.drawing, '[data-link]', SVGElement).sort((a, b) => isBias(a) - isBias(b));
    const place = links.findIndex((each) => each === link);
    links[(place + way + links.length) % links.length].focus();
  }

  /** @param {number} index @param {[number, number]} step */
  moveDot(index, step) {
    const { figure } = this;
    const points = figure?.marks.find((mark) => mark.mark === 'points' && mark.drag);
    if (!figure || !points) return;
    const x = points.x[index] + (step[0] * (figure.x[1] - figure.x[0])) / 50;
    const y = points.y[index] + (step[1] * (figure.y[1] - figure.y[0])) / 50;
    this.send('drag', { index, x, y });
  }
}
