// The paintings a photo is to be painted like: dropped or chosen; two are blended by a slider, more have weights. A
// painter can learn a painting, which is painted at once from then on.

import { desk, takes } from './desks.js';
import { all, around, complain, find, make, picturesOf, sentenceOf } from './dom.js';
import { Learning } from './learning.js';
import { asked, offered } from './server.js';

/** @import { Lesson } from './learning.js' */
/** @import { Offer, Widget } from './types' */

/**
 * @typedef {{offer: Offer, view: string, name: string, weight: number, sha256: string, learnt: boolean, study: string, painter: string}} Painting
 * study, painter: its name among the studio's own, or among those that were learnt here.
 */
/** @typedef {{name: string, title: string, sentence: string, picture: string}} Study */
/** @typedef {Widget<{desk: string, most: number, studies: Study[]}>} PaintingsWidget */

/** @param {PaintingsWidget} widget */
export function open(widget) {
  const { element, props } = widget;
  const paintings = new Paintings(widget);
  const chooser = find(element, 'input[type=file]', HTMLInputElement);
  const box = find(element, '.paintings');
  const take = (/** @type {File[]} */ files) => {
    for (const file of files) paintings.hang(offered(widget, file));
  };
  find(element, '.own .studies').append(...props.studies.map((study) => studyButton(study, paintings)));

  const own = desk(props.desk);
  const learning = new Learning(widget, (each) => paintings.toggle({ learnt: each.name }), (lesson) => paintings.learn(lesson));
  paintings.ask = (painting) => learning.begin(painting);
  own.paintings = () => paintings.list.length;
  own.palette = () => paintings.palette();
  own.more = () => paintings.hung();
  own.fillUp = async () => {
    await paintings.arriving;
    if (!paintings.list.length && props.studies.length) await paintings.hang(Promise.resolve({ study: props.studies[0].name }));
  };
  takes(own, 'offerMore', (told) => paintings.offered(told));
  own.namedPaintings = () => paintings.list.map(({ sha256, name }) => ({ value: sha256, label: name }));

  chooser.addEventListener('change', () => { take([...(chooser.files ?? [])]); chooser.value = ''; });
  box.addEventListener('click', (event) => { if (around(event, '[data-do=choose]')) chooser.click(); });
  box.addEventListener('dragover', (event) => event.preventDefault());
  box.addEventListener('drop', (event) => {
    event.preventDefault();
    event.stopPropagation();
    take(picturesOf(event.dataTransfer));
  });
  paintings.draw();
}

/**
 * One of the studio's own paintings, hung and removed with a click.
 *
 * @param {Study} study
 * @param {Paintings} paintings
 */
const studyButton = (study, paintings) =>
  make('button',
    { type: 'button', class: 'study', value: study.name, title: study.sentence, onclick: () => paintings.toggle({ study: study.name }) },
    make('img', { src: study.picture, alt: '', draggable: 'false' }),
    make('span', {}, study.title));

const LEARN = 'This takes some minutes, while you do something else. From then on, photos are painted at once.';

class Paintings {
  /** @param {PaintingsWidget} widget */
  constructor({ element, props, server }) {
    this.element = element;
    this.most = props.most;
    this.desk = desk(props.desk);
    this.server = server;
    /** @type {Painting[]} */
    this.list = [];
    /** @type {Promise<void>} */
    this.arriving = Promise.resolve();
    /** @type {(painting: Painting) => void} lets a painter learn one */
    this.ask = () => {};
    /** @type {Set<string>} sha256 of the paintings that are learnt here, or were */
    this.taught = new Set();
  }

  draw() {
    this.desk.changed?.();
    this.desk.paintingsChanged?.();
    find(this.element, '.hung').replaceChildren(...this.list.map((painting) => this.item(painting)));
    for (const button of all(this.element, '.study', HTMLButtonElement)) {
      const { learnt } = button.dataset;
      const hung = this.list.some(({ study, painter }) => (learnt ? painter === learnt : study === button.value));
      button.setAttribute('aria-pressed', String(hung));
    }
    this.drawBlend();
    const add = find(this.element, '.add');
    add.hidden = this.list.length >= this.most;
    add.textContent = this.list.length ? 'Add another' : 'Add a painting';
  }

  /** @param {Painting} painting */
  item(painting) {
    const weigh = (/** @type {Event} */ event) => {
      painting.weight = Number(/** @type {HTMLInputElement} */ (event.target).value);
      this.desk.moved?.();
    };
    const slider = { type: 'range', min: 0, max: 4, step: 0.25, value: painting.weight, oninput: weigh };
    const label = `Weight of ${painting.name}`;
    return make('li', {},
      make('img', { src: painting.view, alt: painting.name }),
      make('div', { class: 'side' },
        make('span', { class: 'name' }, painting.name),
        this.list.length > 2
          && make('label', {}, 'Weight ', make('input', { ...slider, 'aria-label': label })),
        make('div', { class: 'deeds' },
          !painting.learnt && !this.taught.has(painting.sha256) && make('button', { type: 'button', class: 'small', title: LEARN, onclick: () => this.ask(painting) },
            'Let a painter learn it'),
          make('button', { type: 'button', class: 'small', onclick: () => this.remove(painting) }, 'Remove'))));
  }

  /** Two paintings are blended by one slider. */
  drawBlend() {
    const box = find(this.element, '.blend');
    const [first, second] = this.list;
    box.hidden = this.list.length !== 2;
    if (box.hidden) return;
    const slider = find(box, 'input', HTMLInputElement);
    const sum = first.weight + second.weight;
    slider.value = String(sum ? second.weight / sum : 0.5);
    const [left, right] = all(box, '.end');
    left.textContent = first.name;
    right.textContent = second.name;
    slider.oninput = () => {
      [first.weight, second.weight] = [1 - Number(slider.value), Number(slider.value)];
      this.desk.moved?.();
    };
  }

  /**
   * A painter learns this painting, and can paint like it or better than before. Then the painting that hangs is the
   * one under “Yours”, by its title.
   *
   * @param {Lesson} lesson
   */
  learn({ sha256, name, title, can_paint: can }) {
    this.taught.add(sha256);
    const found = this.list.filter((each) => each.sha256 === sha256);
    for (const each of can ? found : []) Object.assign(each, { learnt: true, painter: name, name: title });
    if (found.length) this.draw();
  }

  /** What a preview is painted with; null where a painting has no painter, or none hangs. */
  palette() {
    if (!this.list.length || !this.list.every((each) => each.learnt)) return null;
    return { style: this.list.map((each) => each.offer), weights: this.list.map((each) => each.weight) };
  }

  /** @param {Painting} painting */
  remove(painting) {
    this.list = this.list.filter((each) => each !== painting);
    this.draw();
  }

  /**
   * Hangs a painting, or removes it if it hangs once those before it have arrived: a second click may come sooner.
   *
   * @param {Offer} offer one of the studio's own, or one that was learnt here
   */
  toggle(offer) {
    complain(find(this.element, '.trouble'));
    this.arriving = this.arriving.then(() => {
      const there = this.list.find(({ study, painter }) => (offer.learnt ? painter === offer.learnt : study === offer.study));
      return there ? this.remove(there) : this.read(Promise.resolve(offer), 1);
    });
  }

  /**
   * Hangs a painting once it has arrived and those before it hang.
   *
   * @param {Promise<Offer>} offering
   */
  hang(offering, weight = 1) {
    complain(find(this.element, '.trouble'));
    this.arriving = this.arriving.then(() => this.read(offering, weight));
    return this.arriving;
  }

  /**
   * @param {Promise<Offer>} offering
   * @param {number} weight
   */
  async read(offering, weight) {
    try {
      if (this.list.length >= this.most) {
        offering.catch(() => {});
        throw new Error(`Up to ${this.most} paintings can be mixed; remove one first.`);
      }
      const offer = await offering;
      const shown = await asked(this.server.hang({ picture: offer }));
      const { view, sha256, learnt, study, painter } = shown;
      this.list.push({ offer, view, name: shown.title || shown.name || 'A painting', weight, sha256, learnt, study, painter });
      this.draw();
    } catch (error) {
      complain(find(this.element, '.trouble'), sentenceOf(error));
    }
  }

  /** What goes into the picture, once all have arrived. */
  async hung() {
    await this.arriving;
    return { style: this.list.map((each) => each.offer), weights: this.list.map((each) => each.weight) };
  }

  /** The paintings of an earlier picture come back. @param {Record<string, any>} told */
  async offered(told) {
    if (!told.style) return;
    this.list = [];
    this.draw();
    told.style.forEach((/** @type {Offer} */ offer, /** @type {number} */ place) =>
      this.hang(Promise.resolve(offer), told.weights?.[place] ?? 1));
    await this.arriving;
  }
}
