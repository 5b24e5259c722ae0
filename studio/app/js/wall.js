// All works, page after page: searched, sorted, starred, chosen together, or those in the trash.

import { settle } from './address.js';
import { all, complain, find, make, sentenceOf } from './dom.js';
import { asked } from './server.js';
import { laidOut, pickOf, standsFor, tile, whenExactly } from './tile.js';

/** @import { Kind, Widget, Work } from './types' */

/** What the address names, and what each is called there. */
const NAMES = ['text', 'kind', 'starred', 'since', 'sort', 'trash'];

export class Wall {
  /** @param {Widget<{kinds: Kind[], sorts: [string, string][]}>} widget */
  constructor({ element, props, server }) {
    this.element = find(element, '.gallery');
    this.server = server;
    this.tiles = find(element, '.tiles');
    this.search = find(element, 'input[type=search]', HTMLInputElement);
    this.since = find(element, 'select[name=since]', HTMLSelectElement);
    this.sort = find(element, 'select[name=sort]', HTMLSelectElement);
    this.sort.append(...props.sorts.map(([name, label]) => make('option', { value: name }, label)));
    /** @type {string | null} */
    this.kind = null;
    this.starred = false;
    this.trash = false;
    /** @type {Work | null} the last work on the wall: the next page follows it */
    this.last = null;
    this.asking = 0; // only the answer to the newest question counts
    /** @type {number | undefined} */
    let pause;
    this.search.addEventListener('input', () => {
      clearTimeout(pause);
      pause = setTimeout(() => this.changed(), 250);
    });
    for (const select of [this.since, this.sort]) select.addEventListener('change', () => this.changed());
    this.tiles.addEventListener('change', () => this.showSelection());
    const every = [{ name: null, label: 'All' }, ...props.kinds];
    find(element, '.kinds').append(...every.map(({ name, label }) => this.kindButton(name, label)));
  }

  /**
   * @param {string | null} name
   * @param {string} label
   */
  kindButton(name, label) {
    const choose = () => {
      this.kind = name;
      this.changed();
    };
    const pressed = { 'aria-pressed': String(name === this.kind), 'data-kind': name ?? '' };
    return make('button', { type: 'button', class: 'small', ...pressed, onclick: choose }, label);
  }

  kindButtons() {
    return all(this.element, '.kinds button');
  }

  /** @param {string | null} [sentence] */
  complain(sentence) {
    complain(find(this.element, '.wall .trouble'), sentence);
  }

  // --- What is looked for

  get searching() {
    return Boolean(this.search.value || this.kind || this.starred || this.since.value);
  }

  /** What is looked for, as the address names it. @returns {Record<string, string>} */
  wanted() {
    const told = [this.search.value, this.kind ?? '', this.starred ? 'yes' : '', this.since.value,
      this.sort.selectedIndex > 0 ? this.sort.value : '', this.trash ? 'yes' : ''];
    return Object.fromEntries(NAMES.map((name, place) => [name, told[place]]).filter(([, value]) => value));
  }

  address() {
    const named = new URLSearchParams(this.wanted());
    return `#gallery${named.size ? `&${named}` : ''}`;
  }

  /** What an address names is looked for. @param {Record<string, string>} settings */
  take(settings) {
    this.search.value = settings.text ?? '';
    this.kind = settings.kind ?? null;
    this.starred = settings.starred === 'yes';
    this.since.value = settings.since ?? '';
    this.sort.value = settings.sort ?? '';
    if (this.sort.selectedIndex < 0) this.sort.selectedIndex = 0;
    if (this.since.selectedIndex < 0) this.since.selectedIndex = 0;
    this.trash = settings.trash === 'yes';
    this.showWanted();
  }

  /** The visitor looks for something else. */
  changed() {
    this.showWanted();
    settle('gallery', this.address());
    return this.fill();
  }

  showWanted() {
    for (const button of this.kindButtons()) {
      button.setAttribute('aria-pressed', String((button.dataset.kind || null) === this.kind));
    }
    find(this.element, '[data-do=starred]').setAttribute('aria-pressed', String(this.starred));
    find(this.element, '[data-do=trash]').setAttribute('aria-pressed', String(this.trash));
    this.element.dataset.trash = this.trash ? 'yes' : 'no';
    find(this.element, '.trash-words').hidden = !this.trash;
  }

  // --- What is shown

  /** Shows the first page, or the next one. */
  async fill({ onward = false } = {}) {
    const question = ++this.asking;
    let told;
    try {
      const after = onward ? this.last?.id : null;
      told = await asked(this.trash ? this.server.trash({}) : this.server.works({ ...this.wanted(), after }));
    } catch (error) {
      this.complain(sentenceOf(error));
      return;
    }
    if (question !== this.asking) return;
    this.complain();
    const dated = ['newest', 'oldest'].includes(this.sort.value);
    const made = this.trash
      ? told.works.map((/** @type {Work} */ work) =>
        tile(work, { linked: false, words: `Until ${whenExactly(work.gone_at ?? '')}` }))
      : laidOut(told.works, { dated, piled: dated && !this.starred, before: onward ? this.last : null });
    const chosen = new Set(this.selected());
    if (onward) this.tiles.append(...made);
    else this.tiles.replaceChildren(...made);
    if (onward) made.find((/** @type {HTMLElement} */ each) => each.matches('.tile'))?.querySelector('a')?.focus();
    for (const each of this.shown()) pickOf(each).checked = chosen.has(each.dataset.work ?? '');
    this.last = told.works.at(-1) ?? this.last;
    if (told.kinds) this.showKinds(told.kinds);
    this.showTrash(told.removed ?? 0);
    this.showCount(told.total);
    this.showSelection();
  }

  /** The works that came with the studio. */
  async stockShelf() {
    try {
      const { works } = await asked(this.server.shelf({}));
      find(this.element, '.shelf .row').replaceChildren(...works.map((/** @type {Work} */ work) => tile(work)));
      this.showShelf();
    } catch { /* the wall says what is wrong */ }
  }

  /** The shelf is not searched, so it stays away while the visitor searches. */
  showShelf() {
    const empty = find(this.element, '.shelf .row').children.length === 0;
    find(this.element, '.shelf').hidden = empty || this.searching || this.trash;
  }

  /** @param {string[]} kinds */
  showKinds(kinds) {
    for (const button of this.kindButtons()) {
      button.hidden = Boolean(button.dataset.kind) && !kinds.includes(button.dataset.kind ?? '');
    }
    find(this.element, '.kinds').hidden = kinds.length < 2;
  }

  /** @param {number} count works in the trash */
  showTrash(count) {
    const button = find(this.element, '[data-do=trash]');
    button.textContent = this.trash ? '← Back to the gallery' : `Trash (${count})`;
    button.hidden = !this.trash && count === 0;
  }

  /** @param {number} total */
  showCount(total) {
    const here = this.shown().length;
    const none = find(this.element, '.none');
    this.showShelf();
    find(this.element, '[data-do=more]').hidden = this.trash || here >= total;
    find(this.element, '.count').textContent = total === 1 ? '1 work' : `${total} works`;
    find(this.element, '.finder').dataset.empty = String(here === 0 && !this.searching && !this.trash);
    none.hidden = here > 0;
    find(none, 'h2').textContent = this.trash ? 'The trash is empty'
      : this.searching ? 'No works match your search' : 'Nothing here yet';
    find(none, 'p').textContent = this.trash ? 'What you remove waits here for 24 hours.'
      : this.searching ? 'Try fewer letters, another kind, or another time.'
        : 'Everything you make is kept here, newest first, with its recipe. Start with a photo.';
    find(none, 'button').hidden = this.searching || this.trash;
  }

  // --- What is chosen

  /** @returns {HTMLElement[]} */
  shown() {
    return all(this.tiles, '.tile');
  }

  get selecting() {
    return this.element.dataset.selecting === 'yes' || this.trash;
  }

  /** @param {boolean} on */
  select(on) {
    this.element.dataset.selecting = on ? 'yes' : 'no';
    find(this.element, '.more-ways [data-do=select]').setAttribute('aria-pressed', String(on));
    if (!on) for (const each of this.shown()) pickOf(each).checked = false;
    this.showSelection();
  }

  /** All that are shown, or none of them where all are chosen already. */
  selectAll() {
    const picks = this.shown().map(pickOf);
    const on = !picks.every((pick) => pick.checked);
    for (const pick of picks) pick.checked = on;
    this.showSelection();
  }

  /** The ids of the chosen works. */
  selected() {
    const ids = this.shown().filter((each) => pickOf(each).checked).flatMap(standsFor);
    return [...new Set(ids)];
  }

  showSelection() {
    const ids = this.selecting ? this.selected() : [];
    const bar = find(this.element, '.selection');
    bar.hidden = !this.selecting || this.shown().length === 0;
    find(bar, '.how-many').textContent = ids.length === 0 ? 'None selected' : `${ids.length} selected`;
    for (const each of all(bar, '[data-for]')) {
      each.hidden = each.dataset.for !== (this.trash ? 'trash' : 'wall');
    }
    for (const button of all(bar, 'button[data-do$=selected]', HTMLButtonElement)) button.disabled = !ids.length;
    const zip = find(bar, 'a', HTMLAnchorElement);
    zip.hidden ||= ids.length === 0;
    zip.href = `works.zip?ids=${ids.join(',')}`;
    for (const each of this.shown()) each.classList.toggle('picked', this.selecting && pickOf(each).checked);
  }
}
