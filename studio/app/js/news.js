// A work was made: whoever shows works hears of it.

/** @type {Set<() => void>} */
const listeners = new Set();

/** @param {() => void} heard */
export const onNewWork = (heard) => { listeners.add(heard); };

export const newWork = () => { for (const heard of listeners) heard(); };
