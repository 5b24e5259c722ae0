// What the dials of a tab ask for, shared by all that show it and set it: chips, rolls, a keyboard.

import { onDials } from './address.js';

/** Milliseconds without a further change before the server is told: a key that is held down changes a lot. */
const PAUSE = 150;

/** Milliseconds after which what was sent counts as lost. */
const LOST = 15000;

export class Constraints {
  /** @param {string} tab */
  constructor(tab) {
    /** @type {Map<string, any>} */
    this.values = new Map();
    /** @type {Set<() => void>} */
    this.listeners = new Set();
    /** @type {Set<string>} fields that the server is not told of yet */
    this.unsent = new Set();
    /** @type {Set<string>} fields on their way to it; what the dials show is older until they have arrived */
    this.sent = new Set();
    this.sentAt = -Infinity;
    /** @type {number | undefined} */
    this.timer = undefined;
    /** @type {((fields: Record<string, any>) => void) | null} */
    this.send = null;
    onDials(tab, (dials) => {
      for (const [field, value] of dials) if (!this.unsent.has(field) && !this.sent.has(field)) this.values.set(field, value);
      this.tell();
    });
  }

  /** The tab's widget that tells the server. @param {(fields: Record<string, any>) => void} send */
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
    this.unsent.add(field);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.deliver(), PAUSE);
  }

  /** Sends what is new, one lot after another: two at a time could arrive the other way round. */
  deliver() {
    if (!this.unsent.size || (this.sent.size && performance.now() - this.sentAt < LOST)) return;
    this.sent = this.unsent;
    this.unsent = new Set();
    this.sentAt = performance.now();
    this.send?.(Object.fromEntries([...this.sent].map((field) => [field, this.values.get(field)])));
  }

  /** The dials show what was sent. */
  arrived() {
    this.sent = new Set();
    this.deliver();
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

/** What was set has come to the dials of a tab. @param {string} tab */
export const arrived = (tab) => constraintsOf(tab).arrived();
