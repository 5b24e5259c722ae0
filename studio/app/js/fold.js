// A fold whose content is there while it is closed, other than that of Gradio's accordion: what is set in it from
// elsewhere counts, and is told, at once. It folds what comes after it (see style.css).

import { find } from './dom.js';

/** @import { Widget } from './types' */

/** @param {Widget<{label: string}>} widget */
export function open({ element, props }) {
  const button = find(element, 'button');
  find(button, '.label').textContent = props.label;
  button.addEventListener('click', () => {
    button.setAttribute('aria-expanded', String(button.getAttribute('aria-expanded') !== 'true'));
  });
}
