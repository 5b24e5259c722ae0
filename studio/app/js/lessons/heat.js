// Heat maps: a small canvas painted cell by cell, then stretched. Values come as base64 bytes: 0 is -1, 255 is +1.

import { pen } from '../dom.js';
import { isLight } from '../theme.js';
import { bytesOf } from './text.js';

/** @import { Grid } from './types' */

const ONE = [242, 160, 61];
const TWO = [74, 163, 223];

/** What lies between the two, in the dark theme and in the light one. */
const GROUNDS = { dark: [34, 33, 42], light: [250, 248, 243] };

const MOST_KEPT = 96;

/** @type {Map<string, string>} what was painted lately: grids that stay as they are need not be painted again */
const painted = new Map();

/**
 * A grid as the address of a picture.
 *
 * @param {Grid} grid
 * @param {boolean} steps whether only the sign is shown
 * @param {string} scale "diverging", "light" or "colour" (three bytes a cell)
 */
export function heatUrl(grid, steps, scale) {
  const ground = isLight() ? GROUNDS.light : GROUNDS.dark;
  const key = `${grid.columns} ${steps} ${scale} ${ground} ${grid.bytes}`;
  const url = painted.get(key) ?? paint(grid, steps, scale, ground);
  painted.delete(key);
  painted.set(key, url);
  const [oldest] = painted.keys();
  if (painted.size > MOST_KEPT) painted.delete(oldest);
  return url;
}

/**
 * @param {Grid} grid
 * @param {boolean} steps
 * @param {string} scale
 * @param {number[]} ground
 */
function paint({ rows, columns, bytes: text }, steps, scale, ground) {
  const bytes = bytesOf(text);
  const canvas = document.createElement('canvas');
  canvas.width = columns;
  canvas.height = rows;
  const context = pen(canvas);
  const pixels = context.createImageData(columns, rows);
  for (let cell = 0; cell < rows * columns; cell += 1) {
    const row = Math.floor(cell / columns);
    const at = ((rows - 1 - row) * columns + (cell % columns)) * 4;
    const [red, green, blue] = scale === 'colour'
      ? bytes.subarray(cell * 3, cell * 3 + 3)
      : colourOf(bytes[cell], steps, scale, ground);
    pixels.data.set([red, green, blue, 255], at);
  }
  context.putImageData(pixels, 0, 0);
  return canvas.toDataURL();
}

/**
 * @param {number} byte
 * @param {boolean} steps
 * @param {string} scale
 * @param {number[]} ground
 */
function colourOf(byte, steps, scale, ground) {
  if (scale === 'light') return [byte, byte, byte];
  const value = byte / 127.5 - 1;
  const far = value >= 0 ? ONE : TWO;
  const share = steps ? 0.75 : Math.abs(value);
  return ground.map((between, k) => between + (far[k] - between) * share);
}
