// Everything the modules know of the elements that Gradio draws, in one place. See also gradio_patches.py.

/** Buttons of the tabs; those that have no room on a phone are in a menu. */
const TAB_BUTTONS = 'button[role="tab"], .overflow-dropdown button';

/** @type {Record<string, string>} the label of each tab, by its id */
let labels = {};

/** @param {Record<string, string>} named */
export const nameTabs = (named) => { labels = named; };

/** The button of a tab, by the tab's id or label. @param {string} name */
const tabButton = (name) =>
  /** @type {HTMLElement | undefined} */ (
    [...document.querySelectorAll(TAB_BUTTONS)].find((each) => each.textContent?.trim() === (labels[name] ?? name)));

/**
 * Opens another tab of the page.
 *
 * @param {string} name its id or label
 */
export function openTab(name) {
  tabButton(name)?.click();
}

/** @type {number | undefined} */
let knocking;

/**
 * Opens a tab as soon as Gradio has built the page: an earlier click is lost. Only the last one asked for is opened.
 *
 * @param {string} name its id or label
 * @param {() => void} [done] it is open, or does not open
 */
export function openTabSoon(name, done) {
  const patience = Date.now() + 30000;
  const knock = () => {
    const button = tabButton(name);
    const open = button?.getAttribute('aria-selected') === 'true';
    if (!open) button?.click();
    if (open || Date.now() > patience) {
      clearInterval(knocking);
      done?.();
    }
  };
  clearInterval(knocking);
  knocking = setInterval(knock, 100);
  knock();
}

/** What the open tab shows. @returns {HTMLElement | null} */
export const openPanel = () =>
  /** @type {HTMLElement | null} */ (
    [...document.querySelectorAll('.rooms [role=tabpanel]')].find((each) => /** @type {HTMLElement} */ (each).offsetParent) ?? null);

/** @type {Set<(id: string) => void>} */
const listeners = new Set();

/** Calls back whenever a tab was opened. @param {(id: string) => void} heard */
export const onTabOpened = (heard) => { listeners.add(heard); };

/** The button of the tab that is open, unless it is in the menu. */
const OPEN_TAB = '.rooms [role=tablist] [role=tab][aria-selected=true]';

/**
 * A tab was opened; Gradio says so. On a busy machine it says so late: what is said of a tab that has been left since
 * counts no more, or the page's address would lead there. `followTabs` has heard of it by then.
 *
 * @param {string} id
 */
export function tabOpened(id) {
  const open = document.querySelector(OPEN_TAB)?.textContent?.trim();
  if (open && labels[id] && open !== labels[id]) return;
  for (const heard of listeners) heard(id);
}

/**
 * Calls back with every tab at the moment it is opened. Gradio's own word comes later, perhaps after the visitor has
 * gone on: the tab between would be missing on the way back.
 *
 * @param {(id: string) => void} opened
 */
export function followTabs(opened) {
  let last = '';
  new MutationObserver(() => {
    const open = document.querySelector(OPEN_TAB)?.textContent?.trim();
    const id = Object.keys(labels).find((each) => labels[each] === open);
    if (!id || id === last) return;
    last = id;
    opened(id);
  }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ['aria-selected'] });
}

/**
 * Presses a button of Gradio's by its id.
 *
 * @param {string} id
 */
export function press(id) {
  /** @type {HTMLElement | null} */ (document.querySelector(`#${id}`))?.click();
}

/**
 * Presses a button of Gradio's as soon as it may be pressed. Gradio drops a press that comes while the end of the one
 * before has not arrived, although the button may be pressed: so it is pressed until that was heard.
 *
 * @param {string} id
 * @param {() => boolean} heard whether the press has done something
 */
export function pressSoon(id, heard) {
  const patience = Date.now() + 30000;
  const knock = () => {
    const button = document.querySelector(`#${id}`);
    if (button instanceof HTMLButtonElement && !button.disabled) button.click();
    setTimeout(() => { if (!heard() && Date.now() < patience) knock(); }, 100);
  };
  knock();
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

/** Arrow keys go from tab to tab, as a list of tabs is expected to do. */
export function walkTabs() {
  document.addEventListener('keydown', (event) => {
    const tab = event.target instanceof Element ? event.target.closest('[role=tablist] [role=tab]') : null;
    if (!tab || event.ctrlKey || event.metaKey || event.altKey) return;
    const tabs = [.../** @type {Element} */ (tab.closest('[role=tablist]')).querySelectorAll('[role=tab]')];
    const at = tabs.indexOf(tab);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to == null) return;
    event.preventDefault();
    const next = tabs[(to + tabs.length) % tabs.length];
    if (next instanceof HTMLElement) {
      next.focus();
      next.click();
    }
  });
}

/**
 * The fields for files are called what stands in them. Gradio gives them another name, so that whoever speaks to the
 * page cannot press what they read.
 */
export function nameFileFields() {
  const name = () => {
    for (const field of document.querySelectorAll('.upload-container[aria-label]')) field.removeAttribute('aria-label');
  };
  new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
  name();
}
