// Everything the modules know of the elements that Gradio draws, in one place. See also gradio_patches.py.

/** Buttons of the tabs; those that have no room on a phone are in a menu. */
const TAB_BUTTONS = 'button[role="tab"], .overflow-dropdown button';

/** @param {string} label */
const tabButton = (label) =>
  /** @type {HTMLElement | undefined} */ (
    [...document.querySelectorAll(TAB_BUTTONS)].find((each) => each.textContent?.trim() === label));

/**
 * Opens another tab of the page.
 *
 * @param {string} label
 */
export function openTab(label) {
  tabButton(label)?.click();
}

/**
 * Opens a tab as soon as Gradio has built the page: an earlier click is lost.
 *
 * @param {string} label
 */
export function openTabSoon(label) {
  const patience = Date.now() + 30000;
  const knock = setInterval(() => {
    const button = tabButton(label);
    const open = button?.getAttribute('aria-selected') === 'true';
    if (!open) button?.click();
    if (open || Date.now() > patience) clearInterval(knock);
  }, 100);
}

/**
 * Presses a button of Gradio's by its id.
 *
 * @param {string} id
 */
export function press(id) {
  /** @type {HTMLElement | null} */ (document.querySelector(`#${id}`))?.click();
}

/** The number of bars that the Compose tab's slider shows, or 0. */
export const barsAsked = () =>
  Number(/** @type {HTMLInputElement | null} */ (document.querySelector('.bars-dial input[type=number]'))?.value);

/**
 * Calls back when the visitor changes the number of bars.
 *
 * @param {() => void} changed
 */
export function onBarsAsked(changed) {
  document.addEventListener('change', (event) => {
    if (event.target instanceof Element && event.target.closest('.bars-dial')) changed();
  });
}
