// Regions: parts of the photo, painted on the stage or found by the studio, each with a look and a strength.

import { desk, takes } from './desks.js';
import { around, complain, find, make, pen, sentenceOf } from './dom.js';
import { asked, listed, offered } from './server.js';

/** @import { Offer, Widget } from './types' */

/**
 * place: as a recipe writes it, "" for a painted one. pixels: what was painted, as long as the photo stays. offer: its
 * mask, where it came with a work.
 *
 * @typedef {{place: string, name: string, look: string, strength: number, pixels: ImageData | null, view: string,
 *   file: File | null, offer: Offer | null}} Region
 */

/** @typedef {{value: string, label: string}} Choice */

/** @typedef {{place: string, share: number, view: string}} Part */

/** @typedef {Widget<{desk: string, looks: Choice[] | null}>} RegionsWidget */

const NAMES = new Map([['subject', 'The subject'], ['background', 'The background'], ['rest', 'The rest']]);

/** The form in which a recipe writes a region: see `studio.images.regions`. */
const WRITTEN = /^(?<place>[a-z]+(?: \d+)?)(?:=(?<look>[\w-]*)(?:\([^()]*\))?)?(?:\*(?<strength>[\d.]+))?$/;

/** @param {RegionsWidget} widget */
export function open(widget) {
  const { element, props } = widget;
  const regions = new Regions(widget);
  find(element, '.region-list').addEventListener('click', (event) => {
    const button = around(event, 'button');
    if (!(button instanceof HTMLButtonElement)) return;
    const { place } = button.dataset;
    if (place) regions.add(place);
    if (button.dataset.do === 'draw') regions.draw(null);
    if (button.dataset.do === 'find') regions.find(button);
  });
  const own = desk(props.desk);
  own.regions = () => regions.collect();
  takes(own, 'offerRegions', (told) => regions.offered(told));
  own.photoChanged = () => regions.forget();
  own.paintingsChanged = () => regions.show();
  own.hasRegions = () => regions.list.length > 0;
}

/**
 * The photo with what was painted over it, small, as an address.
 *
 * @param {string} photo
 * @param {string} painted
 */
async function laidOver(photo, painted) {
  const canvas = make('canvas', { width: 240, height: 180 });
  const brush = pen(canvas);
  for (const src of [photo, painted]) {
    const image = new Image();
    image.src = src;
    try { await image.decode(); } catch { continue; }
    const scale = Math.max(240 / image.naturalWidth, 180 / image.naturalHeight);
    const [wide, high] = [image.naturalWidth * scale, image.naturalHeight * scale];
    brush.globalAlpha = src === painted ? 0.6 : 1;
    brush.drawImage(image, (240 - wide) / 2, (180 - high) / 2, wide, high);
  }
  return canvas.toDataURL('image/jpeg');
}

class Regions {
  /** @param {RegionsWidget} widget */
  constructor(widget) {
    this.widget = widget;
    this.element = widget.element;
    this.desk = desk(widget.props.desk);
    /** @type {Region[]} */
    this.list = [];
    this.painted = 0;
    /** @type {Map<string, string>} small pictures of the parts that were found, by their places */
    this.views = new Map();
  }

  /** @returns {Choice[]} the looks there are to choose from */
  looks() {
    return this.widget.props.looks ?? this.desk.namedPaintings?.() ?? [];
  }

  show() {
    find(this.element, '.regions').replaceChildren(...this.list.map((region) => this.item(region)));
    for (const place of NAMES.keys()) {
      const taken = this.list.some((region) => region.place === place);
      find(this.element, `[data-place=${place}]`, HTMLButtonElement).disabled = taken;
    }
  }

  /** @param {Region} region */
  item(region) {
    const remove = () => {
      this.list = this.list.filter((each) => each !== region);
      this.show();
      find(this.element, '[data-do=draw]').focus();
    };
    const look = make('select', { 'aria-label': `Look of ${region.name}` },
      make('option', { value: '' }, 'Like the whole picture'),
      ...this.looks().map(({ value, label }) => make('option', { value, selected: value === region.look }, label)));
    look.addEventListener('change', () => { region.look = look.value; });
    const strength = make('input', { type: 'range', min: 5, max: 100, step: 5, value: Math.round(100 * region.strength), 'aria-label': `Strength of ${region.name}` });
    const number = make('output', {}, `${strength.value} %`);
    strength.addEventListener('input', () => {
      region.strength = Number(strength.value) / 100;
      number.textContent = `${strength.value} %`;
    });
    const name = make('input', { type: 'text', class: 'name', value: region.name, maxlength: 60, 'aria-label': 'Name of the region' });
    name.addEventListener('change', () => { region.name = name.value.trim() || region.name; });
    return make('li', { class: region.view ? 'seen' : '' },
      region.view && make('img', { src: region.view, alt: '' }),
      make('div', { class: 'side' },
        region.place ? make('span', { class: 'name' }, region.name) : name,
        look,
        make('label', {}, 'Strength ', strength, number),
        make('span', { class: 'do' },
          !region.place && make('button', { type: 'button', class: 'small', onclick: () => this.draw(region) }, 'Paint'),
          make('button', { type: 'button', class: 'small', onclick: remove }, 'Remove'))));
  }

  open() {
    find(this.element, '.fold', HTMLDetailsElement).open = true;
  }

  /** The look of the next region: the first that no region has. */
  nextLook() {
    const used = new Set(this.list.map(({ look }) => look));
    return this.looks().find(({ value }) => !used.has(value))?.value ?? '';
  }

  /** @param {string} place */
  add(place) {
    complain(find(this.element, '.trouble'));
    if (this.list.some((region) => region.place === place)) return;
    const name = NAMES.get(place) ?? place.replace('segment', 'Segment');
    const view = this.views.get(place) ?? '';
    this.list.push({ place, name, look: this.nextLook(), strength: 1, pixels: null, view, file: null, offer: null });
    this.show();
  }

  /** The stage is painted on for a new region, or for one there is. @param {Region | null} there */
  draw(there) {
    complain(find(this.element, '.trouble'));
    const region = there ?? {
      place: '', name: `Region ${this.painted + 1}`, look: this.nextLook(), strength: 1, pixels: null, view: '', file: null, offer: null,
    };
    const sentence = this.desk.paintRegion?.({
      name: region.name,
      pixels: region.pixels,
      offer: region.offer,
      done: async (layer) => {
        if (!layer) {
          complain(find(this.element, '.trouble'), there
            ? `${region.name} stays as it was, because nothing is painted. Press Remove to leave it out.`
            : 'Nothing was painted, so there is no region. Press “Paint a region” and paint where it is.');
          return;
        }
        region.pixels = layer.pixels;
        region.view = await laidOver(this.desk.photoView?.() ?? '', layer.view);
        region.offer = null;
        region.file = await layer.file;
        if (!there && !this.list.includes(region)) {
          this.list.push(region);
          this.painted += 1;
        }
        this.open();
        this.show();
      },
    });
    if (sentence) complain(find(this.element, '.trouble'), sentence);
  }

  /** The studio looks for parts of the photo, and shows them to choose from. @param {HTMLButtonElement} button */
  async find(button) {
    const photo = this.desk.photo?.();
    complain(find(this.element, '.trouble'));
    if (!photo) {
      complain(find(this.element, '.trouble'), 'Choose a photo first.');
      return;
    }
    button.disabled = true;
    button.textContent = 'Looking …';
    try {
      const { parts } = await asked(this.widget.server.parts({ picture: photo }));
      this.views = new Map(parts.map((/** @type {Part} */ { place, view }) => [place, view]));
      for (const region of this.list) region.view ||= this.views.get(region.place) ?? '';
      this.show();
      const shown = find(this.element, '.parts');
      shown.hidden = false;
      shown.replaceChildren(...parts.map((/** @type {Part} */ part) => make('li', {},
        make('button', { type: 'button', onclick: () => this.add(part.place) },
          make('img', { src: part.view, alt: '' }),
          `${NAMES.get(part.place) ?? part.place.replace('segment', 'Segment')}, ${Math.round(100 * part.share)} %`))));
    } catch (error) {
      complain(find(this.element, '.trouble'), sentenceOf(error));
    }
    button.disabled = false;
    button.textContent = 'Find parts';
  }

  /** Another photo: what was painted on the one before, and what was found in it, is no more. */
  forget() {
    this.list = this.list.filter(({ place }) => NAMES.has(place));
    for (const region of this.list) region.view = '';
    this.views.clear();
    find(this.element, '.parts').hidden = true;
    this.show();
  }

  /** What goes into the picture. */
  async collect() {
    /** @type {Offer[]} */
    const region = [];
    const texts = [];
    for (const each of this.list) {
      let { place } = each;
      if (!place) {
        if (each.file) region.push(await offered(this.widget, new File([each.file], `${each.name}.png`, { type: 'image/png' })));
        else if (each.offer) region.push(each.offer);
        else continue;
        place = `area ${region.length}`;
      }
      const strength = each.strength < 1 ? `*${each.strength}` : '';
      const look = this.written(each.look);
      texts.push(`${place}${look ? `=${look}` : ''}${strength}`);
    }
    return texts.length ? { region, regions: texts } : {};
  }

  /** A look as a recipe writes it: a painting is named by its number. @param {string} look */
  written(look) {
    if (this.widget.props.looks || !look) return look;
    const place = this.looks().findIndex(({ value }) => value === look);
    return place < 0 ? '' : String(place + 1);
  }

  /** A look of a recipe as this list names it. @param {string} look */
  known(look) {
    return this.widget.props.looks ? look : this.looks()[Number(look) - 1]?.value ?? '';
  }

  /** Those of an earlier picture come back. @param {Record<string, any>} told */
  async offered(told) {
    const masks = listed(told.region);
    this.list = [];
    for (const text of told.regions ?? []) {
      const { place, look, strength } = WRITTEN.exec(text)?.groups ?? {};
      if (!place) continue;
      const area = place.startsWith('area ') ? masks[Number(place.slice(5)) - 1] : null;
      if (place.startsWith('area ') && !area) continue;
      const shown = area ? await asked(this.widget.server.look({ picture: area, role: 'region' })) : null;
      this.list.push({
        place: area ? '' : place,
        name: shown ? (shown.title || shown.name || 'Region').replace(/\.png$/, '') : NAMES.get(place) ?? place.replace('segment', 'Segment'),
        look: this.known(look ?? ''),
        strength: Number(strength ?? 1),
        pixels: null,
        view: shown?.view ?? '',
        file: null,
        offer: area,
      });
    }
    if (this.list.length) this.open();
    this.show();
  }
}
