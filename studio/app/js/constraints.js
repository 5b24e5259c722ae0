// What the dials of a tab ask for, shared by all that show it and set it: chips, rolls, a keyboard.

import { onDials } from './address.js';

/** Milliseconds without a further change before the server is told: a key that is held down changes a lot. */
const PAUSE = 150;

export class Constraints {
  /** @param {string} tab */
  constructor(tab) {
    /** @type {Map<string, any>} */
    this.values = new Map();
    /** @type {Set<() => void>} */
    this.listeners = new Set();
    /** @type {Map<string, number>} fields that the server is not told of yet, with their timers */
    this.waiting = new Map();
    /** @type {((field: string, value: any) => void) | null} */
    this.send = null;
    onDials(tab, (dials) => {
      for (const [field, value] of dials) if (!this.waiting.has(field)) this.values.set(field, value);
      this.tell();
    });
  }

  /** The tab's widget that tells the server. @param {(field: string, value: any) => void} send */
  connect(send) {
    this.send = send;
  }

  /** A setting that is a list, such as the pins. @param {string} field @returns {string[]} */
  list(field) {
    const value = this.values.get(field) ?? '';
    const lines = Array.isArray(value) ? value : String(value).split('\n');
    return lines.map((each) => String(each).trim()).filter(Boolean);
  }

  /** Any other setting, as a text. @param {string} field */
  text(field) {
    return String(this.values.get(field) ?? '').trim();
  }

  /** @param {string} field @param {any} value as the dial takes it; a list for a list */
  set(field, value) {
    this.values.set(field, value);
    this.tell();
    clearTimeout(this.waiting.get(field));
    this.waiting.set(field, setTimeout(() => {
      this.waiting.delete(field);
      this.send?.(field, this.values.get(field));
    }, PAUSE));
  }

  /** @param {() => void} heard */
  on(heard) {
    this.listeners.add(heard);
    return () => { this.listeners.delete(heard); };
  }

  tell() {
    for (const heard of this.listeners) heard();
  }
}

/** @type {Map<string, Constraints>} */
const known = new Map();

/** Those of a tab, the same for all that ask. @param {string} tab */
export function constraintsOf(tab) {
  const there = known.get(tab) ?? new Constraints(tab);
  known.set(tab, there);
  return there;
}
