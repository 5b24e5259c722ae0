// What the visitor does goes to the server, one thing at a time, and each answer is a scene. While a lesson plays,
// the next step is asked for as soon as the last scene has come.

import { inSight } from '../dom.js';

/** @import { Widget } from '../types' */
/** @import { Deed, Scene } from './types' */

/** Milliseconds from one frame to the next, at least. */
const PACE = 45;

/** Of several moves of the same thing that wait, only the last is sent. */
const MOVES = ['set', 'drag', 'advance', 'hover', 'edit'];

/** What is sent without the visitor's doing anything. */
const IDLE = ['advance', 'hover'];

/** @typedef {{session: string, started: number, answer: Promise<any>}} Question */

export class Talk {
  /**
   * @param {Widget} widget
   * @param {(scene: Scene) => void} draw
   * @param {(sentence: string) => void} complain
   * @param {() => void} acted called when the visitor did something
   */
  constructor(widget, draw, complain, acted) {
    this.widget = widget;
    this.draw = draw;
    this.complain = complain;
    this.acted = acted;
    this.session = '';
    this.playing = false;
    this.busy = false;
    /** @type {Deed[]} */
    this.waiting = [];
    document.addEventListener('visibilitychange', () => { if (this.playing && this.visible()) this.advance(); });
    setInterval(() => { if (this.playing && !this.busy && this.visible()) this.advance(); }, 500);
  }

  visible() {
    return inSight(this.widget.element) && !document.hidden;
  }

  /** @param {object} request @returns {Promise<any>} the answer, or {error: sentence} */
  async ask(request) {
    try {
      const answer = await this.widget.server.lesson_request(JSON.stringify(request));
      return typeof answer === 'string' ? JSON.parse(answer) : answer;
    } catch {
      return { error: 'The studio does not answer; is it still running?' };
    }
  }

  /** Opens a lesson in a new session; null when another one was opened meanwhile. @param {object} request */
  async open(request) {
    const bytes = crypto.getRandomValues(new Uint8Array(12));
    const session = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    const leaves = this.session;
    this.session = session;
    this.playing = false;
    this.waiting = [];
    const answer = await this.ask({ do: 'open', session, leaves, ...request });
    return this.session === session ? answer : null;
  }

  /** @param {Deed} deed */
  send(deed) {
    const same = (/** @type {Deed} */ other) => MOVES.includes(deed.name) && other.name === deed.name
      && other.knob === deed.knob && other.index === deed.index;
    this.waiting = this.waiting.filter((other) => !same(other));
    this.waiting.push(deed);
    if (!IDLE.includes(deed.name)) this.acted();
    this.run();
  }

  advance() {
    this.send({ name: 'advance' });
  }

  /** Whether something of this name waits to be sent. @param {string} name */
  waitsFor(name) {
    return this.waiting.some((deed) => deed.name === name);
  }

  /** @param {Deed} event @returns {Question} */
  question(event) {
    const { session } = this;
    return { session, started: performance.now(), answer: this.ask({ do: 'event', session, event }) };
  }

  /** @param {Question} question */
  goesOn({ session }) {
    return this.playing && !this.waiting.length && this.visible() && session === this.session;
  }

  async run() {
    if (this.busy) return;
    this.busy = true;
    /** @type {Question | null} the next step, asked for while the last scene is being drawn */
    let ahead = null;
    while (ahead || this.waiting.length) {
      /** @type {Question} */
      const now = ahead ?? this.question(/** @type {Deed} */ (this.waiting.shift()));
      ahead = null;
      const answer = await now.answer;
      if (now.session !== this.session) continue;
      if (answer.error) {
        this.playing = false;
        this.complain(answer.error);
        continue;
      }
      ahead = await this.next(now, answer.scene);
    }
    this.busy = false;
  }

  /**
   * Draws a scene, and asks for the next step when the lesson plays on.
   *
   * @param {Question} now
   * @param {Scene} scene
   * @returns {Promise<Question | null>}
   */
  async next(now, scene) {
    const early = () => PACE - (performance.now() - now.started);
    this.playing = scene.playing;
    const ahead = this.goesOn(now) && early() <= 0 ? this.question({ name: 'advance' }) : null;
    this.draw(scene);
    if (ahead || !this.goesOn(now)) return ahead;
    await new Promise((go) => setTimeout(go, Math.max(0, early())));
    return this.goesOn(now) ? this.question({ name: 'advance' }) : null;
  }
}
