// The mixer of a song: the sound of each part alone, mixed as one listens.

import { silence } from './player.js';

/** @typedef {{level: number, pan: number, mute: boolean, solo: boolean}} Strip level in LU, pan from -1 to 1 */
/** @typedef {{gain: GainNode, pan: StereoPannerNode, buffer: AudioBuffer, base: number}} Channel */

/** Samples a second: half of a recording's, so that a long song of many parts fits into the memory of a phone. */
const RATE = 24000;

/** As many stems are rendered at once. */
const AT_ONCE = 2;

/** How much louder the whole is than its stems, so that it is as loud as the recording. */
const LIFT = 2.6;

export class Mixer {
  /**
   * @param {string} work its id
   * @param {{name: string, base: number}[]} parts base: the level at which its stem was made
   */
  constructor(work, parts) {
    this.work = work;
    this.parts = parts;
    /** @type {Map<string, Channel>} */
    this.channels = new Map();
    /** @type {Map<string, Strip>} */
    this.strips = new Map();
    /** @type {AudioBufferSourceNode[]} */
    this.sources = [];
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {GainNode | null} */
    this.master = null;
    /** @type {Promise<void> | null} */
    this.loading = null;
    this.began = 0; // the context's time at which the song's beginning would have been
    this.stopped = 0; // where in the song it was stopped
    this.playing = false;
    this.ready = false; // whether what is to be heard is there
    /** @type {() => void} */
    this.changed = () => {};
    /** How many parts are here of those that are to be heard. @type {(here: number, all: number) => void} */
    this.told = () => {};
    /** All parts are here that are to be heard. @type {() => void} */
    this.heardAll = () => {};
    /** Parts that are not asked for yet. */
    this.missing = [...parts];
    /** @type {Set<string>} those that are being fetched */
    this.underway = new Set();
  }

  /** Fetches the stems. Waits until those are there that are to be heard; the others follow. Throws where none can be. */
  load() {
    this.loading ??= this.fetch();
    return this.loading;
  }

  async fetch() {
    const context = new AudioContext({ sampleRate: RATE });
    this.context = context;
    const limiter = new DynamicsCompressorNode(context, { threshold: -6, ratio: 12, attack: 0.003, release: 0.15 });
    const master = new GainNode(context, { gain: LIFT });
    master.connect(limiter).connect(context.destination);
    this.master = master;
    const fetching = Promise.all(Array.from({ length: AT_ONCE }, () => this.fetchNext()));
    await Promise.race([fetching, new Promise((done) => { this.heardAll = () => done(null); })]);
    if (!this.channels.size) throw new Error('The parts of this song could not be heard one by one; try again.');
    this.ready = true;
    this.apply();
  }

  /** Fetches one part after the other, those first that are to be heard now. */
  async fetchNext() {
    for (;;) {
      const part = this.missing.find(({ name }) => !this.isSilent(name)) ?? this.missing[0];
      if (!part) return;
      this.missing = this.missing.filter((each) => each !== part);
      this.underway.add(part.name);
      await this.fetchPart(part).catch(() => {}); // the others are heard without it
      this.underway.delete(part.name);
      this.count();
    }
  }

  /** Tells how many parts are here, and whether all are that are to be heard. */
  count() {
    const open = [...this.missing.map(({ name }) => name), ...this.underway].filter((name) => !this.isSilent(name));
    const wanted = this.parts.filter(({ name }) => !this.isSilent(name)).length;
    this.told(wanted - open.length, wanted);
    if (!open.length && this.channels.size) this.heardAll();
  }

  /** @param {{name: string, base: number}} part */
  async fetchPart({ name, base }) {
    const { context, master } = this;
    const answer = await fetch(`works/${this.work}/stems/${encodeURIComponent(name)}`);
    if (!answer.ok || !context || !master) return; // a part without a note
    const buffer = await context.decodeAudioData(await answer.arrayBuffer());
    const gain = new GainNode(context);
    const pan = new StereoPannerNode(context);
    gain.connect(pan).connect(master);
    const channel = { gain, pan, buffer, base };
    this.channels.set(name, channel);
    this.apply();
    if (this.playing) this.start(channel, context.currentTime + 0.05);
  }

  /** @param {string} name of a part that is muted, or not soloed where others are */
  isSilent(name) {
    const strip = this.strips.get(name);
    const alone = [...this.strips.values()].some(({ solo }) => solo);
    return Boolean(strip && (strip.mute || (alone && !strip.solo)));
  }

  /** @param {Map<string, Strip>} strips by part */
  set(strips) {
    this.strips = strips;
    this.apply();
    if (this.context && !this.ready) this.count();
  }

  apply() {
    const now = this.context?.currentTime ?? 0;
    for (const [name, { gain, pan, base }] of this.channels) {
      const strip = this.strips.get(name);
      const level = this.isSilent(name) ? 0 : 10 ** (((strip?.level ?? base) - base) / 20);
      gain.gain.setTargetAtTime(level, now, 0.02);
      pan.pan.setTargetAtTime(strip?.pan ?? 0, now, 0.02);
    }
  }

  get seconds() {
    return Math.max(0, ...[...this.channels.values()].map(({ buffer }) => buffer.duration));
  }

  /** Where in the song it is, in seconds. */
  now() {
    if (!this.playing || !this.context) return this.stopped;
    return Math.min(this.seconds, this.context.currentTime - this.began);
  }

  /** @param {number} [from] seconds */
  async play(from = this.stopped) {
    await this.load();
    const { context } = this;
    if (!context) return;
    const at = from >= this.seconds - 0.2 ? 0 : from; // at its end it begins again
    silence();
    this.halt();
    await context.resume();
    const start = context.currentTime + 0.05;
    this.began = start - at;
    for (const channel of this.channels.values()) this.start(channel, start);
    this.playing = true;
    current?.stop();
    current = this;
    this.changed();
    const longest = this.sources.reduce((one, other) =>
      ((one.buffer?.duration ?? 0) >= (other.buffer?.duration ?? 0) ? one : other));
    longest.addEventListener('ended', () => { if (this.sources.includes(longest)) this.stop(0); });
  }

  /**
   * A part begins to play where the others are.
   *
   * @param {Channel} channel
   * @param {number} when on the context's clock
   */
  start({ buffer, gain }, when) {
    if (!this.context) return;
    const source = new AudioBufferSourceNode(this.context, { buffer });
    source.connect(gain);
    source.start(when, Math.min(Math.max(0, when - this.began), buffer.duration));
    this.sources.push(source);
  }

  /** @param {number} [at] where it stands then */
  stop(at = this.now()) {
    this.halt();
    this.stopped = at;
    this.playing = false;
    if (current === this) current = null;
    this.changed();
  }

  halt() {
    for (const source of this.sources.splice(0)) source.stop();
  }
}

/** @type {Mixer | null} the one that plays */
let current = null;

/** Stops whatever is mixed now: something else plays. */
export const stopMixing = () => current?.stop();

document.addEventListener('playing', stopMixing, { capture: true });
