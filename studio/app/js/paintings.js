// The paintings a photo is to be painted like: dropped or chosen, each with a weight once there are several.

import { desk } from './desks.js';
import { all, around, complain, find, make, picturesOf, sentenceOf } from './dom.js';
import { asked, offered } from './server.js';

/** @import { Offer, Widget } from './types' */

/** @typedef {{offer: Offer, view: string, name: string, weight: number}} Painting */
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
  find(element, '.studies').append(...props.studies.map((study) => studyButton(study, paintings)));

  const own = desk(props.desk);
  own.paintings = () => paintings.list.length;
  own.more = () => paintings.hung();
  own.fillUp = async () => {
    await paintings.arriving;
    if (!paintings.list.length && props.studies.length) await paintings.hang(Promise.resolve({ study: props.studies[0].name }));
  };
  own.offerMore = (told) => paintings.offered(told);

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
    { type: 'button', class: 'study', value: study.name, title: study.sentence, onclick: () => paintings.toggle(study) },
    make('img', { src: study.picture, alt: '', draggable: 'false' }),
    make('span', {}, study.title));

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
  }

  draw() {
    this.desk.changed?.();
    find(this.element, '.hung').replaceChildren(...this.list.map((painting) => this.item(painting)));
    for (const button of all(this.element, '.study', HTMLButtonElement)) {
      button.setAttribute('aria-pressed', String(this.list.some((each) => each.offer.study === button.value)));
    }
    const add = find(this.element, '.add');
    add.hidden = this.list.length >= this.most;
    add.textContent = this.list.length ? 'Add another' : 'Add a painting';
  }

  /** @param {Painting} painting */
  item(painting) {
    const weigh = (/** @type {Event} */ event) => {
      painting.weight = Number(/** @type {HTMLInputElement} */ (event.target).value);
    };
    const slider = { type: 'range', min: 0, max: 4, step: 0.25, value: painting.weight, oninput: weigh };
    const label = `Weight of ${painting.name}`;
    return make('li', {},
      make('img', { src: painting.view, alt: painting.name }),
      make('div', { class: 'side' },
        make('span', { class: 'name' }, painting.name),
        this.list.length > 1
          && make('label', {}, 'Weight ', make('input', { ...slider, 'aria-label': label })),
        make('button', { type: 'button', class: 'small', onclick: () => this.remove(painting) }, 'Remove')));
  }

  /** @param {Painting} painting */
  remove(painting) {
    this.list = this.list.filter((each) => each !== painting);
    this.draw();
  }

  /** @param {Study} study */
  toggle(study) {
    const there = this.list.find((each) => each.offer.study === study.name);
    if (there) this.remove(there);
    else this.hang(Promise.resolve({ study: study.name }));
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
      const shown = await asked(this.server.look({ picture: offer, role: 'style' }));
      this.list.push({ offer, view: shown.view, name: shown.title || shown.name || 'A painting', weight });
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
