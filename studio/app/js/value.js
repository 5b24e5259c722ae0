// A widget that is a control: the server sets its value, or tells it to keep the one it has.

/** @import { Widget } from './types' */

/** What the server says to a control that is to stay as it is: `gradio_patches.AS_IT_IS`. */
const AS_IT_IS = 'as it is';

/**
 * Shows the value, now and whenever the server changes it. Gives a function that keeps what the visitor chose,
 * so that a late "as it is" leaves that standing.
 *
 * @param {Widget} widget
 * @param {() => void} show
 * @returns {(value: any) => void}
 */
export function control({ element, props, watch, first }, show) {
  let current = first;
  const hear = () => {
    if (props.value === AS_IT_IS) { props.value = current; return; }
    current = props.value;
    show();
  };
  watch('value', hear);
  hear();
  return (value) => {
    props.value = current = value;
    touched(element);
  };
}

/**
 * Somebody changes this control, perhaps in the middle of a word: what the server was to fill in leaves it as it is
 * (see `fills.js`).
 *
 * @param {HTMLElement} element
 */
export function touched(element) {
  element.dispatchEvent(new CustomEvent('kept', { bubbles: true }));
}
