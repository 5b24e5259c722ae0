// The skip link: from the top of the page to what the open tab shows. It says which that is.

import { here } from './address.js';
import { onTabOpened, openPanel } from './gradio_page.js';

/** @param {Record<string, string>} labels of all tabs, by their ids */
export function begin(labels) {
  const name = (/** @type {string} */ tab) => {
    const link = document.querySelector('.masthead .skip');
    if (link) link.textContent = `Skip to ${labels[tab] ?? 'the content'}`;
  };
  name(here().tab);
  onTabOpened(name);
  // The masthead is drawn after this module is there, so the whole page listens.
  document.addEventListener('focusin', (event) => {
    if (event.target instanceof Element && event.target.matches('.masthead .skip')) name(here().tab);
  });
  document.addEventListener('click', (event) => {
    if (!(event.target instanceof Element && event.target.closest('.masthead .skip'))) return;
    event.preventDefault(); // the address names tabs and works, no places on the page
    const panel = openPanel();
    if (!panel) return;
    panel.tabIndex = -1;
    panel.focus({ preventScroll: true });
    panel.scrollIntoView({ block: 'start' });
  });
}
