// What stands beside a button that makes something: how long it will take; and once it was pressed, how far it is,
// Stop, and what went wrong with the ways out. The same is to be seen on the stage, which may be out of sight.

import { desk, onTold, tell } from './desks.js';
import { around, find, inSight, make } from './dom.js';
import { estimating } from './estimates.js';
import { cost } from './times.js';

/** @import { Estimate, Underway } from './desks' */
/** @import { WayOut, Widget } from './types' */

/** @param {Widget<{desk: string}>} widget with the server function `expect` where no stage asks for the estimates */
export function open(widget) {
  const { props, server } = widget;
  const element = find(widget.element, '.press');
  if (server.expect) estimating(props.desk, server.expect, (dials) => ({ shown: Object.fromEntries(dials ?? []) }));
  onTold(props.desk, ({ underway, trouble, ways, estimates }) => {
    if (estimates) showCost(element, estimates.now);
    if (underway !== undefined) showUnderway(element, underway);
    if (trouble !== undefined) showTrouble(element, props.desk, trouble, ways);
  });
  sayOnce(element);
  keepFocus(element);
  element.addEventListener('click', (event) => {
    const deed = around(event, '[data-do]')?.dataset.do;
    if (deed === 'stop') desk(props.desk).stop?.();
    if (deed === 'dismiss') tell(props.desk, { trouble: null });
  });
}

/**
 * The button that was pressed rests while a work is made, and a button that rests loses the focus: it goes to what is
 * told beside it, next to Stop, and comes back in the end.
 *
 * @param {HTMLElement} element
 */
function keepFocus(element) {
  const run = find(element, '.run');
  const nowhere = () => document.activeElement === document.body || document.activeElement === null;
  run.tabIndex = -1;
  let pressed = /** @type {HTMLButtonElement | null} */ (null);
  const go = element.closest('.go');
  go?.addEventListener('click', (event) => {
    const button = around(event, 'button');
    if (button instanceof HTMLButtonElement && !element.contains(button)) pressed = button;
  }, { capture: true });
  new MutationObserver(() => {
    const running = element.classList.contains('running');
    if (!pressed || !inSight(element)) return;
    if (running && pressed.disabled && (nowhere() || document.activeElement === pressed)) run.focus({ preventScroll: true });
    else if (!pressed.disabled && !running) {
      if (nowhere() || element.contains(document.activeElement)) pressed.focus({ preventScroll: true });
      pressed = null;
    }
  }).observe(go ?? element, { subtree: true, attributes: true, attributeFilter: ['class', 'disabled'] });
}

/** Pixels at the bottom of a phone's window that the button and its company may cover. */
const COVERED = 190;

/**
 * Marks what is wrong where a stage that is seen says so already: it is not said twice, one above or beside the
 * other. Progress and Stop stay where the press was.
 *
 * @param {HTMLElement} element
 */
function sayOnce(element) {
  const covered = window.matchMedia('(max-width: 860px)').matches ? COVERED : 0;
  const looking = new IntersectionObserver((seen) => {
    for (const { intersectionRatio } of seen) element.classList.toggle('trouble-above', intersectionRatio > 0.9);
  }, { threshold: [0, 0.9, 1], rootMargin: `0px 0px -${covered}px` });
  const trouble = element.closest('[role=tabpanel]')?.querySelector('.stage > .trouble');
  if (trouble) looking.observe(trouble);
}

/** @param {HTMLElement} element @param {Estimate | null | undefined} now */
function showCost(element, now) {
  find(element, '.cost').textContent = now?.seconds == null ? '' : `About ${cost(now)} of memory on this computer`;
}

/** @param {HTMLElement} element @param {Underway | null} underway */
function showUnderway(element, underway) {
  const { share = 0, waiting = true, words = '', stopping = false, stoppable = true } = underway ?? {};
  element.classList.toggle('running', underway != null);
  const bar = find(element, '.bar');
  find(bar, 'span').style.width = `${100 * share}%`;
  bar.classList.toggle('waiting', waiting);
  bar.setAttribute('aria-valuenow', String(Math.round(100 * share)));
  find(element, '.told').textContent = words;
  const stop = find(element, '[data-do=stop]', HTMLButtonElement);
  stop.hidden = !stoppable;
  stop.disabled = stopping;
}

/**
 * @param {HTMLElement} element
 * @param {string} name of the desk
 * @param {string | null} trouble
 * @param {WayOut[]} ways
 */
function showTrouble(element, name, trouble, ways = []) {
  const box = find(element, '.trouble');
  box.hidden = !trouble;
  find(box, '.sentence').textContent = trouble ?? '';
  find(box, '.ways').replaceChildren(...(trouble ? ways : []).map((way) =>
    make('button', { type: 'button', class: 'small', onclick: () => desk(name).relax?.(way) }, way.label)));
}
