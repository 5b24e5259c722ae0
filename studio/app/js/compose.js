// Takes of a melody: each as a score, a roll of notes that plays along, bars to keep, and where every note comes
// from.

import { addressOfWork, go } from './address.js';
import { constraintsOf } from './constraints.js';
import { Deck } from './deck.js';
import { capitalised, find, make } from './dom.js';
import { Melody } from './melody.js';
import { keepBars } from './news.js';
import { keepSound } from './player.js';
import { entrance, letterOf, Requests } from './several.js';

/** @import { WayOut, Widget, Work } from './types' */
/** @import { Made } from './several' */

/** The tab that these takes are on. */
const TAB = 'compose';

/** Where two takes stand side by side; style.css says the same. */
const SIDE_BY_SIDE = '(min-width: 1180px)';

/** Milliseconds after which a take is shown although its score is not drawn yet. */
const PATIENCE = 5000;

/** Milliseconds for which a take, once its score is drawn, waits for its sound, so that it can be played when it appears. */
const FOR_SOUND = 400;

/** @typedef {{melody: Melody, item: HTMLElement, whole: boolean}} Card whole: with its score, or late */
/** @typedef {Widget<{example?: Work | null, instruments: string[]}>} TakesWidget */

export const { open, pressed, askOnceMore } = entrance(TAB, (widget) => new Takes(widget));

class Takes extends Requests {
  /** @param {TakesWidget} widget */
  constructor(widget) {
    super(widget, find(widget.element, '.compose'), { tab: TAB, button: 'compose-button', one: 'a take', making: 'Composing' });
    this.list = find(this.element, '.takes');
    /** @type {Map<string, Card>} by the id of the work */
    this.cards = new Map();
    /** @type {Card[]} of the latest request, in their order */
    this.wanted = [];
    this.constraints = constraintsOf(TAB);
    this.constraints.connect((fields) => widget.trigger('constrain', { fields }));
    this.deck = new Deck(widget.props.instruments);
    find(this.element, '.deck-place').append(this.deck.element);
  }

  // As long as nothing was asked for, a tune that came with the studio is there to be played.

  /** @param {Work} example */
  drawExample(example) {
    const there = find(this.element, '.example');
    if (there.childElementCount || this.list.childElementCount) return;
    const melody = new Melody(example, {
      name: 'this tune',
      width: this.widget.element.clientWidth,
      ask: (bars) => this.again({ id: example.id, bars }),
      kept: (bars) => keepBars({ tab: TAB, id: example.id, bars, keep: (left) => melody.keep(left) }),
      constraints: this.constraints,
    });
    this.deck.hold([melody]);
    there.append(make('header', {}, make('h3', {}, example.title)), melody.element);
    this.element.classList.add('shows-example');
  }

  /** @param {WayOut} way */
  letKeptGo(way) {
    if (way.field !== 'keep' || !this.asking) return false;
    this.asking.bars = way.value.map(Number);
    this.cards.get(this.asking.id)?.melody.keep(this.asking.bars);
    return true;
  }

  // --- Showing

  /**
   * @param {Work} work
   * @param {number} place among the takes of its request
   * @returns {Card}
   */
  card(work, place) {
    const letter = letterOf(place);
    const name = `take ${letter}`;
    const wide = this.widget.element.clientWidth;
    const melody = new Melody(work, {
      name,
      letter,
      width: this.abreast > 1 && matchMedia(SIDE_BY_SIDE).matches ? wide / 2 - 24 : wide,
      ask: (bars) => this.again({ id: work.id, bars }),
      kept: (bars) => keepBars({ tab: TAB, id: work.id, bars, keep: (left) => melody.keep(left) }),
      constraints: this.constraints,
      soon: true,
    });
    const open = (/** @type {MouseEvent} */ event) => {
      if (event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      go(addressOfWork(work.id));
    };
    const link = make('a', { href: `?work=${work.id}`, onclick: open }, 'In the gallery');
    const item = make('li', { class: 'take', 'data-work': work.id },
      make('header', {},
        make('h3', {}, make('span', { class: 'letter' }, letter), make('span', { class: 'hidden' }, ': '), work.title),
        link),
      melody.element);
    const card = { melody, item, whole: false };
    within(PATIENCE, melody.drawn).then(() => within(FOR_SOUND, melody.audible)).then(() => {
      card.whole = true;
      if (!this.wanted.includes(card)) return;
      this.say(`${capitalised(name)} is here: ${work.title}.`);
      this.putUp();
    });
    return card;
  }

  /** How many takes stand side by side. */
  get abreast() {
    return Math.max(1, this.following.length);
  }

  /**
   * A take appears when it is whole, with its score and its sound on the way: nothing moves below the pointer after
   * that, and it plays as soon as Play is pressed.
   *
   * @param {Made[]} made
   */
  show(made) {
    this.wanted = made.map(({ work, place }) => {
      const there = this.cards.get(work.id) ?? this.card(work, place);
      this.cards.set(work.id, there);
      return there;
    });
    this.putUp();
  }

  /**
   * Those of an earlier request stay until the first new one is here, and what plays of them plays on until another
   * is pressed.
   */
  putUp() {
    const shown = this.wanted.filter(({ whole }) => whole);
    if (!shown.length) return;
    this.list.dataset.abreast = String(Math.min(2, this.abreast));
    const items = shown.map(({ item }) => item);
    const there = [...this.list.children];
    const same = there.length === items.length && there.every((each, place) => each === items[place]);
    if (!same) {
      keepSound(this.list);
      this.list.replaceChildren(...items);
    }
    for (const [id, card] of this.cards) {
      if (this.wanted.includes(card)) continue;
      card.melody.dispose();
      keepBars({ tab: TAB, id, bars: [], keep: () => {} });
      this.cards.delete(id);
    }
    this.deck.hold(shown.map(({ melody }) => melody));
    this.element.classList.add('full');
  }

  /** @param {Work} work @param {number[]} bars */
  offer(work, bars) {
    this.show([{ work, place: 0 }]);
    this.asking = { id: work.id, bars };
    const there = this.cards.get(work.id)?.melody;
    there?.keep([...there.kept, ...bars]);
  }
}

/** Waits for it, but no longer than so many milliseconds. @param {number} most @param {Promise<any>} it */
const within = (most, it) => Promise.race([it, new Promise((late) => { setTimeout(late, most); })]);
