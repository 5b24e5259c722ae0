// Light or dark: the system's, until the visitor chooses; the choice is remembered.

const KEY = 'studio-theme';

const system = matchMedia('(prefers-color-scheme: light)');
const root = document.documentElement;

/** Whether the page is light now. */
export const isLight = () => (root.dataset.theme ? root.dataset.theme === 'light' : system.matches);

/** Makes the button that changes it work, and tells Gradio, whose own style sheets ask for its name of the dark. */
export function begin() {
  follow();
  system.addEventListener('change', follow);
  new MutationObserver(follow).observe(document.body, { attributes: true, attributeFilter: ['class'] });
  document.addEventListener('click', (event) => {
    if (event.target instanceof Element && event.target.closest('.theme-toggle')) choose(isLight() ? 'dark' : 'light');
  });
}

/** @param {string} theme what the system says already needs no choice */
function choose(theme) {
  const asSystem = theme === (system.matches ? 'light' : 'dark');
  if (asSystem) delete root.dataset.theme;
  else root.dataset.theme = theme;
  try {
    if (asSystem) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch { /* then it lasts as long as the page */ }
  follow();
}

function follow() {
  if (document.body.classList.contains('dark') === isLight()) document.body.classList.toggle('dark', !isLight());
  document.querySelector('meta[name=theme-color]')?.setAttribute('content', colour('--ground'));
  for (const heard of listeners) heard();
}

/** @type {Set<() => void>} */
const listeners = new Set();

/** Calls back when the theme changed: what is drawn by hand is drawn again. @param {() => void} heard */
export const onTheme = (heard) => { listeners.add(heard); };

/** A colour of the palette as it is now. @param {string} name such as "--accent" */
export const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
