// A figure as a drawing: its coordinates, its axes, and its marks in their order.

import { MARKS, nameOf } from './marks.js';
import { fitting, format, html, n } from './text.js';

/** @import { Figure, Mark, Plot } from './types' */

const [LEFT, RIGHT, TOP, BOTTOM] = [44, 12, 10, 34];

/**
 * A drawing is as many units wide as its place has pixels, within limits, so that its letters stay readable on a
 * phone and in a narrow column. What is laid out by words inside needs more room than axes do.
 *
 * @param {HTMLElement} drawing
 * @param {Figure} figure
 */
export const widthOf = (drawing, figure) =>
  Math.round(Math.min(760, Math.max(figure.axes ? 240 : 340, drawing.clientWidth || 600)));

/** How many units wide a drawing is now. @param {HTMLElement} drawing */
export const unitsOf = (drawing) => Number(drawing.dataset.units);

/** Units between the axes, at least: a wide drawing is not flat on a phone. */
const LOWEST = 80;

/**
 * @param {Figure} figure
 * @param {number} width in units
 * @returns {Plot}
 */
export function plotOf(figure, width) {
  const low = figure.x_label ? BOTTOM + 14 : BOTTOM;
  const [left, right, top, bottom] = figure.axes ? [leftOf(figure), RIGHT, TOP, low] : [4, 4, 4, 4];
  const height = Math.max(width / figure.aspect, figure.axes ? top + LOWEST + bottom : 0);
  const [w, h] = [width - left - right, height - top - bottom];
  const [x0, x1] = figure.x;
  const [y0, y1] = figure.y;
  return {
    height, left, right, top, bottom, w, h,
    X: (x) => left + ((x - x0) / (x1 - x0)) * w,
    Y: (y) => top + h - ((y - y0) / (y1 - y0)) * h,
    backX: (px) => x0 + ((px - left) / w) * (x1 - x0),
    backY: (py) => y0 + ((top + h - py) / h) * (y1 - y0),
  };
}

/** Room for the numbers beside the axis, and for what they are. @param {Figure} figure */
function leftOf(figure) {
  const longest = Math.max(0, ...ticks(figure.y).map((y) => format(y).length));
  return figure.y_label ? Math.max(LEFT, DIGIT * longest + 28) : LEFT;
}

/** About how wide a digit of a number beside an axis is, in units. */
const DIGIT = 6.6;

/**
 * The drawing as the text of an SVG.
 *
 * @param {Figure} figure
 * @param {number} width in units
 */
export function svg(figure, width) {
  const plot = plotOf(figure, width);
  const { marks } = figure;
  plot.firstLink = marks.find((mark) => mark.mark === 'link')?.id;
  const nodes = Object.fromEntries(marks.filter((mark) => mark.mark === 'node').map((mark) => [mark.id, mark]));
  const drawn = (/** @type {Mark[]} */ some) => [
    ...some.map((mark) => MARKS[mark.mark](mark, plot, nodes)), ...some.map((mark) => nameOf(mark, plot))].join('');
  const isBars = (/** @type {Mark} */ mark) => mark.mark === 'bars';
  const clip = `clip-${html(figure.name)}`;
  // Bars have labels below the ground and are not clipped.
  const inside = figure.axes
    ? `<g clip-path="url(#${clip})">${drawn(marks.filter((mark) => !isBars(mark)))}</g>${drawn(marks.filter(isBars))}`
    : drawn(marks);
  const operated = marks.some((mark) => mark.mark === 'node' || mark.mark === 'button' || mark.drag);
  const [x, y, w, h] = [plot.left - 1, plot.top - 1, n(plot.w + 2), n(plot.h + 2)];
  return `<svg viewBox="0 0 ${width} ${n(plot.height)}" role="${operated ? 'group' : 'img'}"
    aria-label="${html(figure.title)}" style="touch-action:${figure.draws ? 'none' : 'pan-y'}">
    ${figure.axes ? axes(figure, plot) : ''}
    <clipPath id="${clip}"><rect x="${x}" y="${y}" width="${w}" height="${h}"/></clipPath>${inside}
  </svg>`;
}

/**
 * @param {Figure} figure
 * @param {Plot} plot
 */
function axes(figure, plot) {
  const { left, top, w, h, height, X, Y } = plot;
  const line = (/** @type {number} */ x0, /** @type {number} */ y0, /** @type {number} */ x1, /** @type {number} */ y1) =>
    `<path d="M${n(x0)} ${n(y0)}L${n(x1)} ${n(y1)}" stroke="var(--line)" stroke-width="1"/>`;
  const words = (/** @type {string} */ place, /** @type {string} */ text, size = '11.5') =>
    `<text ${place} fill="var(--ink-faint)" font-size="${size}">${text}</text>`;
  const barred = figure.marks.some((mark) => mark.mark === 'bars' && mark.label.length);
  const across = barred ? [] : ticks(figure.x, w < 220 ? 3 : 5);
  const middle = 'text-anchor="middle"';
  return [
    ...ticks(figure.y).map((y) => line(left, Y(y), left + w, Y(y))
      + words(`x="${left - 7}" y="${n(Y(y))}" text-anchor="end" dominant-baseline="middle"`, format(y))),
    ...across.map((x) => line(X(x), top + h, X(x), top + h + 4)
      + words(`x="${n(X(x))}" y="${n(top + h + 17)}" ${middle}`, format(x))),
    line(left, top + h, left + w, top + h),
    figure.x_label && words(`x="${n(left + w / 2)}" y="${n(height - 6)}" ${middle}`,
      html(figure.x_label), fitting(figure.x_label, w, 12.5)),
    figure.y_label && words(`transform="translate(12 ${n(top + h / 2)}) rotate(-90)" ${middle}`,
      html(figure.y_label), fitting(figure.y_label, h, 12.5)),
  ].filter(Boolean).join('');
}

/**
 * Round numbers within a range.
 *
 * @param {[number, number]} range
 * @param {number} about how many
 */
function ticks([low, high], about = 5) {
  const span = high - low;
  if (!(span > 0)) return [];
  const rough = span / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((size) => size >= rough) ?? 10 * power;
  const found = [];
  for (let t = Math.ceil(low / step) * step; t <= high + 1e-9 * span; t += step) found.push(+t.toPrecision(12));
  return found;
}
