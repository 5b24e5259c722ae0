// The guide pictures: small, optional, dropped or chosen; several have weights.

import { desk, takes } from './desks.js';
import { around, complain, find, make, picturesOf, sentenceOf } from './dom.js';
import { asked, offered } from './server.js';

/** @import { Offer, Widget } from './types' */

/** @typedef {{offer: Offer, view: string, name: string, weight: number}} Guide */

/** As many as can be told apart in a dream. */
const MOST = 4;

/** @param {Widget} widget */
export function open(widget) {
  const { element } = widget;
  const guides = new Guides(widget);
  const place = find(element, '.guide');
  const chooser = find(element, 'input[type=file]', HTMLInputElement);
  const take = (/** @type {File[]} */ files) => { for (const file of files) guides.arrive(offered(widget, file)); };
  chooser.addEventListener('change', () => { take([...(chooser.files ?? [])]); chooser.value = ''; });
  place.addEventListener('click', (event) => { if (around(event, '[data-do=choose]')) chooser.click(); });
  place.addEventListener('dragover', (event) => event.preventDefault());
  place.addEventListener('drop', (event) => {
    event.preventDefault();
    event.stopPropagation();
    take(picturesOf(event.dataTransfer));
  });
  const own = desk(widget.props.desk);
  own.guides = () => guides.offers();
  takes(own, 'offerGuides', (given, weights) => guides.offered(given, weights));
}

class Guides {
  /** @param {Widget} widget */
  constructor({ element, server }) {
    this.element = element;
    this.server = server;
    /** @type {Guide[]} */
    this.list = [];
    /** @type {Promise<void>} */
    this.arriving = Promise.resolve();
  }

  draw() {
    find(this.element, '.guide').dataset.full = this.list.length ? 'yes' : 'no';
    find(this.element, '.add').hidden = this.list.length >= MOST;
    find(this.element, '.add').textContent = this.list.length ? 'Add another' : 'Choose a guide picture';
    find(this.element, '.guides').replaceChildren(...this.list.map((guide) => this.item(guide)));
  }

  /** @param {Guide} guide */
  item(guide) {
    const number = make('output', {}, String(guide.weight));
    const weigh = (/** @type {Event} */ event) => {
      guide.weight = Number(/** @type {HTMLInputElement} */ (event.target).value);
      number.textContent = String(guide.weight);
    };
    const remove = () => {
      this.list = this.list.filter((each) => each !== guide);
      this.draw();
    };
    return make('li', {},
      make('img', { src: guide.view, alt: `Guide: ${guide.name}` }),
      make('div', { class: 'side' },
        make('span', { class: 'name' }, guide.name),
        this.list.length > 1 && make('label', {}, 'Weight ',
          make('input', { type: 'range', min: 0, max: 4, step: 0.25, value: guide.weight, oninput: weigh, 'aria-label': `Weight of ${guide.name}` }), number),
        make('button', { type: 'button', class: 'small', onclick: remove }, 'Remove')));
  }

  /** @param {Promise<Offer>} offering @param {number} [weight] */
  arrive(offering, weight = 1) {
    complain(find(this.element, '.trouble'));
    this.arriving = this.arriving.then(() => this.read(offering, weight));
    return this.arriving;
  }

  /** @param {Promise<Offer>} offering @param {number} weight */
  async read(offering, weight) {
    try {
      if (this.list.length >= MOST) {
        offering.catch(() => {});
        throw new Error(`A dream can go towards up to ${MOST} pictures; remove one first.`);
      }
      const offer = await offering;
      const { view, title, name } = await asked(this.server.look({ picture: offer, role: 'guide' }));
      this.list.push({ offer, view, name: title || name || 'A picture', weight });
      find(this.element, '.fold', HTMLDetailsElement).open = true;
      this.draw();
    } catch (error) {
      complain(find(this.element, '.trouble'), sentenceOf(error));
    }
  }

  /** What goes into the dream, once all have arrived. */
  async offers() {
    await this.arriving;
    return { guide: this.list.map((each) => each.offer), guide_weights: this.list.map((each) => each.weight) };
  }

  /** Those of an earlier dream come back. @param {Offer[]} given @param {number[]} [weights] */
  async offered(given, weights = []) {
    this.list = [];
    this.draw();
    given.forEach((offer, place) => this.arrive(Promise.resolve(offer), weights[place] ?? 1));
    await this.arriving;
  }
}
