// Texts as HTML, and numbers as texts.

/** @type {Record<string, string>} */
const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** A text with nothing in it that would be read as HTML. @param {unknown} text */
export const html = (text) => String(text ?? '').replace(/[&<>"]/g, (sign) => ENTITIES[sign]);

/**
 * A new element with this HTML inside.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [attributes]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function build(tag, attributes = {}, inside = '') {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.innerHTML = inside;
  return node;
}

/** A number as it is shown: at most six digits that mean something. @param {unknown} value */
export const format = (value) => (typeof value !== 'number' || Number.isInteger(value) ? String(value) : String(+value.toPrecision(4)));

/** Base64 as bytes. @param {string} text */
export const bytesOf = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));

/** A number in a drawing. @param {number} value */
export const n = (value) => value.toFixed(2);

/**
 * The size of a text in a drawing. A letter is about 0.56 of its size wide: what would not fit is set smaller.
 *
 * @param {string} text
 * @param {number} room in units
 * @param {number} size at most
 */
export const fitting = (text, room, size) =>
  n(Math.max(8.5, Math.min(size, room / (0.56 * Math.max(1, text.length)))));
