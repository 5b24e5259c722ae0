// A row of buttons that Tab reaches once: the arrow keys, Home and End go along it.

import { all } from './dom.js';

/** @param {HTMLElement} row its buttons may be replaced: call `settle` then */
export function roving(row) {
  row.addEventListener('focusin', ({ target }) => settle(row, target));
  row.addEventListener('keydown', (event) => {
    const buttons = all(row, 'button');
    const at = buttons.findIndex((each) => each === document.activeElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    buttons[Math.min(buttons.length - 1, Math.max(0, to))].focus();
  });
}

/** Tab leads to this button of the row, or else to its first. @param {HTMLElement} row @param {EventTarget | null} [chosen] */
export function settle(row, chosen = null) {
  const buttons = all(row, 'button');
  const here = buttons.find((each) => each === chosen) ?? buttons[0];
  for (const each of buttons) each.tabIndex = each === here ? 0 : -1;
}
