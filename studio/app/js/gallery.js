// The gallery: a wall of works, newest first, and one work large. ?work=ID in the address names the one that is
// open.

import { addressOfWork, settle, showing } from './address.js';
import { all, around, complain, find, make, sentenceOf } from './dom.js';
import { workPage } from './gallery_work.js';
import { onNewWork } from './news.js';
import { silence } from './player.js';
import { asked, offered } from './server.js';
import { tile } from './tile.js';

/** @import { Kind, Widget, Work, WorkPage } from './types' */

/** How a kind of another studio is shown, of which this one knows nothing. */
const UNKNOWN = { name: '', label: '', medium: 'picture', losses: 'The loss', tab: '', again: '' };

/** @param {Widget<{kinds: Kind[]}>} widget */
export function open(widget) {
  const gallery = new Gallery(widget);
  // New works hang on the wall as soon as one looks at it.
  const look = () => { if (gallery.element.dataset.showing === 'wall') gallery.wall.fill(); };
  onNewWork(look);
  new IntersectionObserver((seen) => { if (seen.some((each) => each.isIntersecting)) look(); })
    .observe(gallery.element);
  widget.watch('value', () => gallery.hear());
  gallery.wall.stockShelf();
  showing('gallery', ({ work }) => gallery.goTo(work));
}

/** The works that fit what is searched for, page after page. */
class Wall {
  /** @param {Widget<{kinds: Kind[]}>} widget */
  constructor({ element, props, server }) {
    this.element = element;
    this.server = server;
    this.tiles = find(element, '.tiles');
    this.search = find(element, 'input[type=search]', HTMLInputElement);
    /** @type {string | null} */
    this.kind = null;
    /** @type {string | null} the last work on the wall: the next page follows it */
    this.last = null;
    this.asking = 0; // only the answer to the newest question counts
    /** @type {number | undefined} */
    let pause;
    this.search.addEventListener('input', () => {
      clearTimeout(pause);
      pause = setTimeout(() => this.fill(), 250);
    });
    const every = [{ name: null, label: 'All' }, ...props.kinds];
    find(element, '.kinds').append(...every.map(({ name, label }) => this.kindButton(name, label)));
  }

  /**
   * @param {string | null} name
   * @param {string} label
   */
  kindButton(name, label) {
    const choose = (/** @type {Event} */ event) => {
      this.kind = name;
      for (const button of this.kindButtons()) {
        button.setAttribute('aria-pressed', String(button === event.target));
      }
      this.fill();
    };
    const pressed = { 'aria-pressed': String(name === this.kind), 'data-kind': name ?? '' };
    return make('button', { type: 'button', ...pressed, onclick: choose }, label);
  }

  kindButtons() {
    return all(this.element, '.kinds button');
  }

  /** @param {string | null} [sentence] */
  complain(sentence) {
    complain(find(this.element, '.wall .trouble'), sentence);
  }

  /** Shows the first page, or the next one. */
  async fill({ onward = false } = {}) {
    const question = ++this.asking;
    let told;
    try {
      const after = onward ? this.last : null;
      told = await asked(this.server.works({ text: this.search.value, kind: this.kind, after }));
    } catch (error) {
      this.complain(sentenceOf(error));
      return;
    }
    if (question !== this.asking) return;
    this.complain();
    const made = told.works.map(tile);
    if (onward) this.tiles.append(...made);
    else this.tiles.replaceChildren(...made);
    if (onward) made[0]?.focus();
    this.last = told.works.at(-1)?.id ?? this.last;
    this.showKinds(told.kinds);
    this.showCount(told.total);
  }

  /** The works that came with the studio. */
  async stockShelf() {
    try {
      const { works } = await asked(this.server.shelf({}));
      find(this.element, '.shelf .row').replaceChildren(...works.map(tile));
      this.showShelf();
    } catch { /* the wall says what is wrong */ }
  }

  /** The shelf is not searched, so it stays away while the visitor searches. */
  showShelf() {
    const empty = find(this.element, '.shelf .row').children.length === 0;
    find(this.element, '.shelf').hidden = empty || Boolean(this.search.value || this.kind);
  }

  /** @param {string[]} kinds */
  showKinds(kinds) {
    for (const button of this.kindButtons()) {
      button.hidden = Boolean(button.dataset.kind) && !kinds.includes(button.dataset.kind ?? '');
    }
    find(this.element, '.kinds').hidden = kinds.length < 2;
  }

  /** @param {number} total */
  showCount(total) {
    const here = this.tiles.children.length;
    const searching = Boolean(this.search.value || this.kind);
    const none = find(this.element, '.none');
    this.showShelf();
    find(this.element, '[data-do=more]').hidden = here >= total;
    find(this.element, '.count').textContent = total === 1 ? '1 work' : `${total} works`;
    find(this.element, '.finder').hidden = here === 0 && !searching;
    none.hidden = here > 0;
    find(none, 'h2').textContent = searching ? 'No works match your search' : 'The wall is still empty';
    find(none, 'p').textContent = searching
      ? 'Try fewer letters, or another kind.'
      : 'Everything you make hangs here, newest first, with all that made it. Start with a photo.';
    find(none, 'button').hidden = searching;
  }
}

class Gallery {
  /** @param {Widget<{kinds: Kind[]}>} widget */
  constructor(widget) {
    this.widget = widget;
    this.element = find(widget.element, '.gallery');
    this.article = find(widget.element, 'article.work');
    this.wall = new Wall(widget);
    /** @type {WorkPage | null} the work that is open */
    this.open = null;
    this.scrolled = 0;
    this.element.addEventListener('click', (event) => this.click(event));
    const chooser = find(this.element, 'input[type=file]', HTMLInputElement);
    chooser.addEventListener('change', () => { this.recognise(chooser.files?.[0]); chooser.value = ''; });
    this.element.addEventListener('dragover', (event) => event.preventDefault());
    this.element.addEventListener('drop', (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.recognise(event.dataTransfer?.files[0]);
    });
  }

  /** Says which work a file is, and opens it. @param {File | undefined} file */
  async recognise(file) {
    if (!file) return;
    const { server } = this.widget;
    const box = find(this.element, '.wall .recognised');
    const say = (/** @type {any[]} */ ...words) => { box.replaceChildren(...words); box.hidden = false; };
    if (this.open) await this.toWall();
    this.wall.complain();
    say(`Looking for ${file.name} …`);
    try {
      const told = await asked(server.recognise(await offered(this.widget, file)));
      const see = make('button', { type: 'button', class: 'small' }, 'See the work');
      see.addEventListener('click', () => this.show(told.work_id));
      say(told.sentence, told.work_id ? see : '');
    } catch (error) {
      box.hidden = true;
      this.wall.complain(sentenceOf(error));
    }
  }

  /** @param {Work} work */
  kindOf(work) {
    return this.widget.props.kinds.find((each) => each.name === work.kind) ?? UNKNOWN;
  }

  /** @param {string} id */
  async show(id, { push = true } = {}) {
    let work;
    try {
      work = await asked(this.widget.server.work(id));
    } catch (error) {
      await this.toWall({ push: false });
      this.wall.complain(sentenceOf(error));
      return;
    }
    if (this.element.dataset.showing === 'wall') this.scrolled = window.scrollY;
    this.open = work;
    const kind = this.kindOf(work);
    const ask = (/** @type {number[]} */ bars) =>
      this.widget.trigger(`ask_again_${kind.tab}`, { id: work.id, bars });
    const width = this.widget.element.clientWidth;
    this.article.replaceChildren(...workPage(work, kind, width, kind.tab ? ask : null));
    this.element.dataset.showing = 'work';
    settle('gallery', addressOfWork(work.id), { push });
    window.scrollTo({ top: 0 });
    this.article.focus({ preventScroll: true });
  }

  async toWall({ push = true } = {}) {
    const from = this.open?.id;
    silence();
    this.open = null;
    this.element.dataset.showing = 'wall';
    settle('gallery', '#gallery', { push });
    await this.wall.fill();
    window.scrollTo({ top: this.scrolled });
    const was = from && this.wall.tiles.querySelector(`.tile[data-work="${from}"]`);
    if (was instanceof HTMLElement) was.focus({ preventScroll: true });
  }

  /** What the address names is shown. @param {string | null} id of a work; null for the wall */
  goTo(id) {
    if (id) {
      if (!this.open?.id.startsWith(id)) this.show(id, { push: false });
    } else if (this.open) this.toWall({ push: false });
    else settle('gallery', '#gallery');
  }

  /** @param {string} sentence */
  verdict(sentence, mood = '') {
    const box = this.article.querySelector('.verdict');
    if (!(box instanceof HTMLElement)) return;
    box.textContent = sentence;
    box.dataset.mood = mood;
  }

  /** @param {WorkPage} work */
  remove(work) {
    const dialog = find(this.widget.element, '.ask-removal', HTMLDialogElement);
    find(dialog, 'p').textContent = `This deletes “${work.title}” permanently. Works made from it are kept.`;
    dialog.returnValue = 'no';
    dialog.showModal();
    dialog.onclose = async () => {
      if (dialog.returnValue !== 'yes') return;
      try {
        await asked(this.widget.server.remove(work.id));
        await this.toWall();
      } catch (error) {
        this.verdict(sentenceOf(error), 'bad');
      }
    };
  }

  async hear() {
    const told = this.widget.props.value;
    if (!told) return;
    if (!told.remaking) return;
    if (told.remaking === this.open?.id) this.verdict(told.sentence, told.mood);
    for (const button of all(this.element, '[data-do=remake]', HTMLButtonElement)) {
      button.disabled = told.mood === 'busy';
    }
  }

  /** @param {MouseEvent} event */
  click(event) {
    const link = around(event, 'a.tile')?.dataset.work;
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      this.show(link);
      return;
    }
    this.act(around(event, '[data-do]')?.dataset.do);
  }

  /** @param {string | undefined} deed */
  act(deed) {
    const { open, widget: { trigger } } = this;
    if (deed === 'more') this.wall.fill({ onward: true });
    if (deed === 'start') trigger('start', {});
    if (deed === 'recognise') find(this.element, 'input[type=file]', HTMLInputElement).click();
    if (deed === 'wall') this.toWall();
    if (!open) return;
    if (deed === 'next') trigger('use', { id: open.id });
    if (deed === 'again') trigger(`again_${this.kindOf(open).tab}`, { id: open.id });
    if (deed === 'remove') this.remove(open);
    if (deed === 'remake') {
      this.verdict('Making it again …', 'busy');
      trigger('remake', { id: open.id });
    }
  }
}
