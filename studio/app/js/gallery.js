// The gallery: a wall of works, newest first, and one work large. ?work=ID in the address names the one that is
// open; #gallery&text=… what the wall is searched for.

import { addressOfWork, settle, showing } from './address.js';
import { all, around, find, make, sentenceOf } from './dom.js';
import { workPage } from './gallery_work.js';
import { onNewWork } from './news.js';
import { playOnly, silence } from './player.js';
import { asked, offered } from './server.js';
import { pickOf, whenExactly } from './tile.js';
import { Wall } from './wall.js';

/** @import { Kind, Widget, Work, WorkPage } from './types' */

/** How a kind of another studio is shown, of which this one knows nothing. */
const UNKNOWN = { name: '', label: '', medium: 'picture', losses: 'The loss', tab: '', again: '' };

/** @param {Widget<{kinds: Kind[], sorts: [string, string][]}>} widget */
export function open(widget) {
  const gallery = new Gallery(widget);
  // New works hang on the wall as soon as one looks at it.
  const look = () => { if (gallery.element.dataset.showing === 'wall') gallery.wall.fill(); };
  onNewWork(look);
  new IntersectionObserver((seen) => { if (seen.some((each) => each.isIntersecting)) look(); })
    .observe(gallery.element);
  widget.watch('value', () => gallery.hear());
  gallery.wall.stockShelf();
  showing('gallery', ({ work, settings }) => gallery.goTo(work, settings));
}

class Gallery {
  /** @param {Widget<{kinds: Kind[], sorts: [string, string][]}>} widget */
  constructor(widget) {
    this.widget = widget;
    this.element = find(widget.element, '.gallery');
    this.article = find(widget.element, 'article.work');
    this.wall = new Wall(widget);
    /** @type {WorkPage | null} the work that is open */
    this.open = null;
    this.scrolled = 0;
    /** @type {string[]} the works that were removed last */
    this.removed = [];
    this.sound = new Audio();
    this.sound.addEventListener('pause', () => this.showPlaying());
    this.sound.addEventListener('playing', () => this.showPlaying());
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
      await this.toWall({ address: false });
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

  /** @param {{push?: boolean, address?: boolean}} [how] address: whether it changes: a reload tries again where not */
  async toWall({ push = true, address = true } = {}) {
    const from = this.open?.id;
    silence();
    this.open = null;
    this.element.dataset.showing = 'wall';
    if (address) settle('gallery', this.wall.address(), { push });
    await this.wall.fill();
    window.scrollTo({ top: this.scrolled });
    const was = from && this.wall.tiles.querySelector(`.tile[data-work="${from}"] a`);
    if (was instanceof HTMLElement) was.focus({ preventScroll: true });
  }

  /**
   * What the address names is shown.
   *
   * @param {string | null} id of a work; null for the wall
   * @param {Record<string, string>} settings of the wall
   */
  goTo(id, settings) {
    if (id) {
      if (!this.open?.id.startsWith(id)) this.show(id, { push: false });
      return;
    }
    this.wall.take(settings);
    if (this.open) this.toWall({ push: false });
    else this.wall.changed();
  }

  /** @param {string} sentence */
  verdict(sentence, mood = '') {
    const box = this.article.querySelector('.verdict');
    if (!(box instanceof HTMLElement)) return;
    box.textContent = sentence;
    box.dataset.mood = mood;
  }

  // --- Removing and bringing back

  /**
   * What goes wrong is said where the visitor looks.
   *
   * @param {() => Promise<void>} deed
   */
  async trying(deed) {
    try {
      await deed();
    } catch (error) {
      if (this.open) this.verdict(sentenceOf(error), 'bad');
      else this.wall.complain(sentenceOf(error));
    }
  }

  /** Removes works so that it can be undone. @param {string[]} ids */
  remove(ids) {
    return this.trying(async () => {
      const { removed, gone_at: goneAt } = await asked(this.widget.server.remove({ ids }));
      this.removed = removed;
      const what = removed.length === 1 ? '1 work' : `${removed.length} works`;
      this.wall.select(false);
      await this.toWall({ push: this.open != null });
      // Only now, where nothing moves any more: what moves while it is pressed is not pressed.
      this.tellRemoved(`${what} removed. You can undo this until ${whenExactly(goneAt)}; then ${removed.length === 1 ? 'it is' : 'they are'} deleted for good.`, true);
      find(this.element, '[data-do=undo]').focus({ preventScroll: true });
    });
  }

  /** @param {string[]} ids */
  bringBack(ids) {
    return this.trying(async () => {
      const { back } = await asked(this.widget.server.bring_back({ ids }));
      this.tellRemoved(back.length === 1 ? '1 work is back.' : `${back.length} works are back.`, false);
      await this.wall.fill();
      const first = this.element.querySelector(`.tiles .tile[data-work="${back[0]}"] a`);
      (first instanceof HTMLElement ? first : find(this.element, '.undo [data-do=dismiss]')).focus();
    });
  }

  /** Asks whether works in the trash shall be deleted for good. @param {string[]} ids */
  deleteForGood(ids) {
    const dialog = find(this.element, '.ask-removal', HTMLDialogElement);
    const what = ids.length === 1 ? 'this work' : `these ${ids.length} works`;
    find(dialog, 'p').textContent = `This deletes ${what} now, with the sources that nothing else uses. It cannot be undone. `
      + 'Works made from them are kept.';
    dialog.returnValue = 'no';
    dialog.showModal();
    dialog.onclose = () => dialog.returnValue === 'yes' && this.trying(async () => {
      const { deleted } = await asked(this.widget.server.delete_for_good({ ids }));
      this.tellRemoved(deleted === 1 ? '1 work deleted for good.' : `${deleted} works deleted for good.`, false);
      await this.wall.fill();
    });
  }

  /**
   * @param {string} sentence
   * @param {boolean} undoable whether it can be undone, or deleted at once
   */
  tellRemoved(sentence, undoable) {
    const box = find(this.element, '.undo');
    find(box, 'p').textContent = sentence;
    for (const each of all(box, '[data-do=undo], [data-do=delete-removed]')) each.hidden = !undoable;
    box.hidden = false;
  }

  /**
   * @param {string[]} ids
   * @param {boolean} starred
   */
  star(ids, starred) {
    return this.trying(async () => {
      await asked(this.widget.server.star({ ids, starred }));
      for (const button of all(this.element, '[data-star]')) {
        if (ids.includes(button.dataset.star ?? '')) button.setAttribute('aria-pressed', String(starred));
      }
      if (this.open && ids.includes(this.open.id)) this.open.starred = starred;
    });
  }

  // --- Playing on a card

  /** @param {string} id */
  async play(id) {
    const { sound } = this;
    if (!sound.paused && sound.dataset.work === id) return silence();
    sound.dataset.work = id;
    sound.src = `works/${id}/as/wav`;
    this.showPlaying(id);
    if (!await playOnly(sound)) this.wall.complain('This could not be played; open it and download its sound instead.');
    this.showPlaying();
  }

  /** @param {string} [coming] the work whose sound is on its way */
  showPlaying(coming) {
    for (const button of all(this.element, '[data-play]')) {
      const on = !this.sound.paused && this.sound.dataset.work === button.dataset.play;
      button.dataset.state = on ? 'playing' : button.dataset.play === coming ? 'coming' : 'still';
      button.setAttribute('aria-pressed', String(on));
    }
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
    const button = around(event, '[data-star], [data-play]');
    if (button?.dataset.star) {
      this.star([button.dataset.star], button.getAttribute('aria-pressed') !== 'true');
      return;
    }
    if (button?.dataset.play) {
      this.play(button.dataset.play);
      return;
    }
    const shown = around(event, '.tile > a')?.parentElement;
    const link = shown?.dataset.work ?? around(event, 'a.relative')?.dataset.work;
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      if (shown && this.wall.selecting && this.wall.tiles.contains(shown)) {
        pickOf(shown).click();
      } else this.show(link);
      return;
    }
    this.act(around(event, '[data-do]')?.dataset.do);
  }

  /** @param {string | undefined} deed */
  act(deed) {
    const { open, wall, widget: { trigger } } = this;
    if (!deed) return;
    if (deed === 'start') trigger('start', {});
    if (deed === 'recognise') find(this.element, 'input[type=file]', HTMLInputElement).click();
    if (deed === 'wall') this.toWall();
    this.choose(deed);
    if (deed === 'undo') this.bringBack(this.removed);
    if (deed === 'delete-removed') this.deleteForGood(this.removed);
    if (deed === 'dismiss') find(this.element, '.undo').hidden = true;
    if (!open || wall.element.dataset.showing === 'wall') return;
    if (deed === 'next') trigger('use', { id: open.id });
    if (deed === 'again') trigger(`again_${this.kindOf(open).tab}`, { id: open.id });
    if (deed === 'remove') this.remove([open.id]);
    if (deed === 'remake') {
      this.verdict('Making it again …', 'busy');
      trigger('remake', { id: open.id });
    }
  }

  /** What is done on the wall, and with several works at once. @param {string} deed */
  choose(deed) {
    const { wall } = this;
    if (deed === 'more') wall.fill({ onward: true });
    if (deed === 'starred') { wall.starred = !wall.starred; wall.changed(); }
    if (deed === 'trash') {
      wall.trash = !wall.trash;
      wall.select(false);
      find(this.element, '.undo').hidden = true;
      wall.changed();
    }
    if (deed === 'select') wall.select(wall.element.dataset.selecting !== 'yes');
    if (deed === 'select-all') wall.selectAll();
    if (deed === 'star-selected') this.star(wall.selected(), true);
    if (deed === 'remove-selected') this.remove(wall.selected());
    if (deed === 'back-selected') this.bringBack(wall.selected());
    if (deed === 'delete-selected') this.deleteForGood(wall.selected());
  }
}
