// What one widget tells all others.

/** @template {any[]} Told */
class News {
  constructor() {
    /** @type {Set<(...told: Told) => void>} */
    this.listeners = new Set();
    /** @param {(...told: Told) => void} heard */
    this.on = (heard) => { this.listeners.add(heard); };
    /** @param {Told} told */
    this.tell = (...told) => { for (const heard of this.listeners) heard(...told); };
  }
}

/** @type {News<[]>} */
const works = new News();
/** @type {News<[]>} */
const jobs = new News();
/** @type {News<[string]>} */
const ends = new News();

/** A work was made: whoever shows works hears of it. */
export const { on: onNewWork, tell: newWork } = works;

/** A work was asked for, or a job changed: whoever shows the queue looks again. */
export const { on: onJob, tell: newJob } = jobs;

/** The end of the job with this id was shown to the visitor. */
export const { on: onSeen, tell: seen } = ends;

/** @type {News<[string, {field: string, value: any}[]]>} */
const conflicts = new News();

/** Constraints of a tab contradict each other: these. */
export const { on: onConflict, tell: inConflict } = conflicts;

/** @type {News<[string, string, string | null, boolean?]>} */
const faults = new News();

/**
 * A setting of a tab makes no sense by itself, for this reason; null where it does. What it is set with says so. Then:
 * whether the visitor is brought there.
 */
export const { on: onFault, tell: atFault } = faults;

/** @typedef {{tab: string, id: string, bars: number[], keep: (bars: number[]) => void,
 *   asked?: Record<string, any>, text?: string, change?: (field: string, value: any) => void}} Kept the bars of a work, and
 *   what changes them; of a song all that is kept of it by the recipe's fields, in words, and what changes one of these */

/** @type {News<[Kept]>} */
const keeping = new News();

/** Bars of a take are to be kept, or none any more. */
export const { on: onKept, tell: keepBars } = keeping;
