// Elements of the page: finding, making, and what every widget asks of the browser.

/**
 * The element that `selector` finds; throws when there is none, or when it is not of this class.
 *
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} within
 * @param {string} selector
 * @param {new () => T} [type]
 * @returns {T}
 */
export function find(within, selector, type) {
  const found = within.querySelector(selector);
  if (found instanceof (type ?? HTMLElement)) return /** @type {T} */ (found);
  throw new Error(`There is no ${selector} here.`);
}

/**
 * All elements of this class that `selector` finds.
 *
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} within
 * @param {string} selector
 * @param {new () => T} [type]
 * @returns {T[]}
 */
export function all(within, selector, type) {
  const found = [...within.querySelectorAll(selector)];
  return /** @type {T[]} */ (found.filter((each) => each instanceof (type ?? HTMLElement)));
}

/**
 * The nearest element around an event's target that fits, or null.
 *
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | SVGElement | null}
 */
export function around(event, selector) {
  return event.target instanceof Element ? event.target.closest(selector) : null;
}

/** Writes a text where it differs: the same text again would have the page laid out again. @param {Element} element @param {string} text */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * A new element: make('a', {href: '…', class: 'tile', onclick: f}, 'text', child …). Text is never read as HTML.
 * Attributes and children that are false or missing are left out.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [attributes]
 * @param {any[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, '');
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null && child !== false));
  return made;
}

/**
 * A new element of a drawing.
 *
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [attributes]
 * @param {Element[]} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function draw(tag, attributes = {}, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/**
 * The pen of a canvas.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [settings]
 */
export function pen(canvas, settings) {
  const context = canvas.getContext('2d', settings);
  if (!context) throw new Error('This browser cannot draw.');
  return context;
}

/** What scrolls sideways can be reached with Tab, and scrolled with the arrow keys, while it does. */
const watched = new ResizeObserver((boxes) => {
  for (const { target } of boxes) {
    if (target.scrollWidth > target.clientWidth) target.setAttribute('tabindex', '0');
    else target.removeAttribute('tabindex');
  }
});

/** @param {HTMLElement} box */
export const reachable = (box) => watched.observe(box);

/** @param {HTMLElement} element */
export const inSight = (element) => element.offsetParent !== null;

export const calm = () => window.matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Scrolls smoothly, unless the visitor wants no motion. */
export const smoothly = () => /** @type {ScrollBehavior} */ (calm() ? 'auto' : 'smooth');

/**
 * The pictures that were dropped or pasted.
 *
 * @param {DataTransfer | null} transfer
 */
export const picturesOf = (transfer) =>
  [...(transfer?.files ?? [])].filter((file) => !file.type || file.type.startsWith('image/'));

/** @param {unknown} error */
export const sentenceOf = (error) => (error instanceof Error ? error.message : String(error));

/** A text with its first letter large. @param {string} text */
export const capitalised = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/**
 * Says what is wrong in the widget's own place for that, or that nothing is any more.
 *
 * @param {HTMLElement} box
 * @param {string | null} [sentence]
 */
export function complain(box, sentence) {
  box.hidden = !sentence;
  box.textContent = sentence ?? '';
}
