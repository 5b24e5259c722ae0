// The lessons' page: builds itself from what the server says of a lesson, draws its scenes, and sends back what the
// visitor does.

import { settle, showing } from '../address.js';
import { desk } from '../desks.js';
import { all, around, find, inSight } from '../dom.js';
import { onTheme } from '../theme.js';
import { ask } from './checks.js';
import { FRAME, drawCourse, drawLesson } from './frame.js';
import { followKnobs } from './knobs.js';
import { linkTo, readLink } from './link.js';
import { opened, remember, remembered } from './memory.js';
import { drawFigures, drawScene, drawTables } from './scene.js';
import { play } from './sound.js';
import { Talk } from './talk.js';
import { build, bytesOf, html } from './text.js';

/** @import { Widget } from '../types' */
/** @import { HandedFile, Lesson, Scene, Visit } from './types' */

/** @typedef {Widget<{bringsTo: Record<string, string>}>} LessonsWidget */

/** @param {LessonsWidget} widget */
export function open(widget) {
  const root = find(widget.element, '.lessons');
  if (root.dataset.alive) return;
  root.dataset.alive = 'yes';
  root.innerHTML = FRAME;
  const lessons = new Lessons(widget, root);
  lessons.listen();
  // The first lesson opens when it is first seen: until then nothing is asked of the server, and nothing loads
  // torch there.
  const firstSight = new IntersectionObserver((seen) => {
    if (!seen.some((each) => each.isIntersecting)) return;
    firstSight.disconnect();
    lessons.begin();
  });
  firstSight.observe(root);
}

export class Lessons {
  /** @param {LessonsWidget} widget @param {HTMLElement} root */
  constructor(widget, root) {
    this.widget = widget;
    this.root = root;
    this.page = find(root, '.lesson');
    this.talk = new Talk(widget, (scene) => this.draw(scene), (sentence) => this.says(sentence, 'bad'), () => ask(this.page));
    /** @type {Lesson[]} */
    this.course = [];
    /** @type {Lesson | null} */
    this.lesson = null;
    /** @type {Record<string, any>} */
    this.settings = {};
    /** @type {Set<string>} controls that are hidden */
    this.hidden = new Set();
    /** @type {Scene | null} */
    this.scene = null;
    this.hovered = '';
    this.opening = ''; // the lesson that was asked for last
  }

  async begin() {
    // Where the address names no lesson, the usual one is asked for together with the course.
    const likely = Object.keys(remembered).at(-1) ?? '';
    const early = readLink(location.hash) ? undefined : this.talk.open({ lesson: likely, settings: {} });
    const answer = await this.talk.ask({ do: 'course' });
    if (answer.error) return this.fail(answer.error);
    this.course = answer.course;
    drawCourse(this);
    const usual = this.usual();
    // It is opened before the address is followed, which would ask for it once more.
    if (early) this.open(usual, likely && likely !== usual ? {} : { early });
    showing('lessons', ({ hash }) => this.follow(hash));
    if (!this.opening) this.open(usual); // the tab is seen before the address says so
  }

  /** The lesson that was open last, or else the first. */
  usual() {
    const there = (/** @type {string} */ name) => this.course.some((each) => each.name === name);
    return Object.keys(remembered).filter(there).at(-1) || this.course[0].name;
  }

  /** @param {string} sentence */
  fail(sentence) {
    this.page.innerHTML = `<p class="says bad">${html(sentence)}</p>`;
  }

  /**
   * @param {string} name
   * @param {{settings?: Record<string, any>, hidden?: string[], push?: boolean, early?: Promise<any>}} [how] hidden:
   * controls that are not shown; push: Back leads to the lesson before; early: the answer, where it was asked for already
   */
  async open(name, { settings = {}, hidden = [], push = false, early } = {}) {
    this.hovered = '';
    this.opening = name;
    const answer = await (early ?? this.talk.open({ lesson: name, settings }));
    if (!answer) return;
    if (answer.error) {
      if (!Object.keys(settings).length) return void this.fail(answer.error);
      await this.open(name, { hidden, push }); // a link with a setting that the lesson does not take
      this.says(answer.error, 'bad');
      return;
    }
    /** @type {Lesson} */
    const lesson = answer.lesson;
    this.lesson = lesson;
    this.settings = answer.settings;
    this.hidden = new Set(hidden);
    const seen = opened(name);
    if (!lesson.checks.length) seen.done = true;
    remember();
    drawCourse(this);
    drawLesson(this, lesson);
    this.writeLink({ push }); // before the scene is drawn, which writes what it sets over this address
    this.draw(answer.scene);
    this.root.querySelector('.course-list [aria-current="page"]')?.scrollIntoView({ block: 'nearest' });
  }

  link() {
    return this.lesson ? linkTo(this.lesson, this.settings, this.hidden) : '';
  }

  writeLink({ push = false } = {}) {
    settle('lessons', this.link(), { push });
  }

  /** A control was set. @param {string} knob @param {any} value */
  set(knob, value) {
    this.settings[knob] = value;
    this.talk.send({ name: 'set', knob, value });
    this.writeLink();
  }

  /** @param {string} sentence @param {string} mood */
  says(sentence, mood) {
    const line = find(this.page, '.says');
    line.textContent = sentence;
    line.className = `says ${mood}`;
  }

  /** @param {Scene} scene */
  draw(scene) {
    this.scene = scene;
    this.talk.playing = scene.playing;
    this.says(scene.says, scene.mood);
    followKnobs(this, scene.values);
    drawScene(this, scene);
    drawFigures(this, scene);
    drawTables(scene, find(this.page, '.tables'));
    scene.sounds.forEach(play);
    scene.files.forEach(hand);
    const set = Object.keys(this.settings).length;
    if (!scene.playing && set) this.writeLink();
    if (scene.visit) this.visit(scene.visit);
  }

  /** Another tab is opened with what was found here; the server puts it onto that tab's controls. @param {Visit} visit */
  visit({ tab, settings, network, layers }) {
    this.widget.trigger(`visit_${tab}`, { settings });
    if (network) {
      const file = new File([bytesOf(network.content)], network.name, { type: network.kind });
      desk(this.widget.props.bringsTo[tab]).bringNetwork?.(file, layers);
    }
    window.scrollTo({ top: 0 });
  }

  // --- What the visitor does outside of figures and controls

  listen() {
    const menu = find(this.root, '.course-menu select', HTMLSelectElement);
    menu.addEventListener('change', () => this.open(menu.value, { push: true }));
    find(this.root, '.course-list').addEventListener('click', (event) => {
      const name = around(event, '[data-lesson]')?.dataset.lesson;
      if (name) this.open(name, { push: true });
    });
    document.addEventListener('keydown', (event) => this.key(event));
    onTheme(() => { if (this.scene && inSight(this.root)) drawFigures(this, this.scene); });
    /** @type {number | undefined} */
    let resized;
    window.addEventListener('resize', () => {
      clearTimeout(resized);
      resized = setTimeout(() => { if (this.scene && inSight(this.root)) drawFigures(this, this.scene); }, 150);
    });
    // On paper nothing unfolds: every figure's words are printed with it.
    matchMedia('print').addEventListener('change', ({ matches }) => {
      for (const words of all(this.page, 'figure details', HTMLDetailsElement)) {
        if (matches) words.dataset.was = String(words.open);
        words.open = matches || words.dataset.was === 'true';
      }
    });
  }

  /**
   * The address of a lesson, by its name or its number, opens it; that of the tab keeps the one that is open.
   *
   * @param {string} hash
   */
  async follow(hash) {
    const link = readLink(hash);
    const there = link && (this.course.find((each) => each.name === link.name) ?? this.course[Number(link.name) - 1]);
    if (link && there && hash !== this.link()) return this.open(there.name, { ...link });
    if (!this.opening) await this.open(this.usual());
    else if (this.lesson) this.writeLink();
    if (link && !there && this.lesson) this.says(`There is no lesson “${link.name}”; choose one from the list.`, 'bad');
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!this.lesson || !inSight(this.root) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (around(event, 'input, textarea, select, [contenteditable]')) return;
    const pressed = event.key === ' ' ? 'space' : event.key.toLowerCase();
    const knob = this.lesson.knobs.find((each) => each.type === 'Push' && each.key?.toLowerCase() === pressed);
    if (!knob || (event.key === ' ' && around(event, 'button'))) return;
    event.preventDefault();
    this.talk.send({ name: knob.name });
  }
}

/** Gives the visitor a file. @param {HandedFile} file */
function hand(file) {
  const url = URL.createObjectURL(new Blob([bytesOf(file.content)], { type: file.kind }));
  build('a', { href: url, download: file.name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
