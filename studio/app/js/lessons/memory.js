// What this browser remembers: which lessons were seen, the one that was open last at the end, and which questions were
// answered how.

const KEY = 'studio-course';

/** @typedef {{seen?: boolean, done?: boolean, checks?: Record<number, number>}} Seen */

/** @returns {Record<string, Seen>} */
function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY) || '{}');
  } catch {
    return {};
  }
}

export const remembered = read();

/** What is known of a lesson. @param {string} name @returns {Seen} */
export const known = (name) => remembered[name] ?? {};

/** What is known of a lesson that is opened now, to be added to. @param {string} name */
export const noted = (name) => (remembered[name] ||= {});

/** A lesson is opened: it is the last of what is remembered. @param {string} name */
export function opened(name) {
  const seen = { ...known(name), seen: true };
  delete remembered[name];
  return remembered[name] = seen;
}

export function remember() {
  try {
    localStorage.setItem(KEY, JSON.stringify(remembered));
  } catch { /* a private window keeps nothing */ }
}
