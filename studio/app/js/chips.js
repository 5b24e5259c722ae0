// What is asked for beyond the style, as chips: each lets its constraint go with ✕. Those that contradict each other
// turn red, while one edits and after a refusal, until one of them is changed.

import { onDials } from './address.js';
import { find, make, sentenceOf } from './dom.js';
import { desk, onTold, tell } from './desks.js';
import { atFault, onConflict, onKept } from './news.js';
import { asked } from './server.js';
import { visitor } from './visitor.js';

/** @import { WayOut, Widget } from './types' */

/** Milliseconds without a change before the server is asked whether all of it can hold together. */
const PAUSE = 400;

/** Milliseconds after which a visitor is told that this takes a while. */
const A_WHILE = 1500;

/** Settings that are no constraint. */
const NO_CONSTRAINT = ['style', 'takes', 'seed', 'composer', 'temperature', 'instrument', 'order', 'copy_by', 'theme_pull'];

/** Settings that have a place in sight on every tab. */
const IN_SIGHT = ['bars'];

/** Settings whose chips constrain nothing: nothing is asked about them alone. */
const HARMLESS = ['tempo', 'contour_pull', 'key'];

/** @type {Record<string, string>} settings whose chip says more than their name */
const CALLED = {
  max_copy: 'Longest copy',
  end: 'Last note',
  start: 'First note',
  pins: 'Pin',
  motifs: 'Motif',
  cadences: 'Cadence',
  rhythm: 'Rhythm',
  avoid: 'Avoid',
  contour_pull: 'Contour pull',
  contour_limit: 'Contour limit',
};

/** Characters of a chip. */
const LONGEST = 60;

/** Settings of which there may be several, one a line. */
const LISTS = ['pins', 'rhythm', 'motifs', 'avoid', 'cadences'];

/** @typedef {import('./news').Kept} Kept */
/** @typedef {{field: string, value: any}} Clash */
/** @typedef {{field: string, value: any, text: string, left: any}} Chip left: what stays of the setting without it */
/** @typedef {[string, any, any]} Dial name, value, usual value */

/**
 * @typedef {{tab: string, elsewhere?: string[], asks?: boolean, told?: string[], styles?: Record<string, string>}} ChipsProps elsewhere: further settings
 * that are seen in their place, and become chips only where they contradict something. asks: the server is asked about
 * these too. told: settings that say themselves what is wrong with them. styles: their titles, by name.
 */

/** @param {Widget<ChipsProps>} widget */
export function open(widget) {
  const chips = new Chips(widget);
  widget.watch('value', () => chips.askSoon()); // other files of the visitor's own are the style
  onKept((kept) => { if (kept.tab === widget.props.tab) chips.hearKept(kept); });
  onDials(widget.props.tab, (dials) => chips.hear(dials));
  onTold(widget.props.tab, ({ trouble }) => { if (trouble) chips.say(null); }); // it is not said twice
  onConflict((tab, named) => { if (tab === widget.props.tab) chips.clash(named); });
}

class Chips {
  /** @param {Widget<ChipsProps>} widget */
  constructor(widget) {
    this.widget = widget;
    this.list = find(widget.element, '.constraint-chips');
    this.box = find(widget.element, '.trouble');
    /** @type {Dial[]} */
    this.dials = [];
    /** @type {Clash[]} */
    this.conflict = [];
    /** @type {Kept | null} */
    this.kept = null;
    this.question = 0;
    this.changedAt = 0; // milliseconds, when a setting was changed last
    this.drawn = '';
    /** @type {number | undefined} */
    this.waiting = undefined;
  }

  /** @param {Dial[]} dials */
  hear(dials) {
    const changed = JSON.stringify(dials.filter(([name]) => !NEVER_MATTERS.includes(name)))
      !== JSON.stringify(this.dials.filter(([name]) => !NEVER_MATTERS.includes(name)));
    this.dials = dials;
    if (!changed) return;
    this.changedAt = performance.now();
    this.conflict = [];
    this.say(null);
    for (const field of this.widget.props.told ?? []) atFault(this.widget.props.tab, field, null);
    tell(this.widget.props.tab, { trouble: null }); // what was refused is another request now
    this.draw();
    this.askSoon();
  }

  /** @param {Kept} kept of one take: bars of another take that were kept before are let go */
  hearKept(kept) {
    const before = this.kept;
    if (!kept.bars.length && before?.id !== kept.id) return;
    this.kept = kept.bars.length ? kept : null;
    if (before && before.id !== kept.id) before.keep([]);
    this.conflict = [];
    this.say(null);
    this.draw();
    this.askSoon();
  }

  /** A request was refused for these; it says so itself. @param {Clash[]} named */
  clash(named) {
    clearTimeout(this.waiting);
    this.question += 1;
    this.say(null);
    this.conflict = named;
    this.draw();
  }

  // --- Whether they can hold together

  askSoon() {
    clearTimeout(this.waiting);
    this.question += 1;
    const asks = this.widget.props.asks ? chipsOf(this.dials).filter(({ field }) => !NO_CONSTRAINT.includes(field)) : this.chips();
    if (!this.widget.server.check || !asks.some(({ field }) => !HARMLESS.includes(field))) return;
    this.waiting = setTimeout(() => this.ask(this.question), PAUSE);
  }

  /** @param {number} question */
  async ask(question) {
    if (this.tried()) return;
    const slow = setTimeout(() => {
      if (question === this.question) this.say('Checking whether these can hold together …', [], false);
    }, A_WHILE);
    try {
      const told = await asked(this.widget.server.check({
        shown: Object.fromEntries(this.dials),
        owner: visitor(),
        files: this.widget.props.value?.files ?? [],
        keep: this.kept && { id: this.kept.id, bars: this.kept.bars, asked: this.kept.asked },
      }));
      if (question !== this.question) return;
      this.conflict = told.conflict ?? [];
      this.say(told.message ?? null, told.ways_out ?? []);
      this.draw();
    } catch (error) {
      if (question !== this.question) return;
      const { tab, told = [] } = this.widget.props;
      const field = error instanceof Error && 'field' in error ? String(error.field) : '';
      const there = told.includes(field);
      if (there) atFault(tab, field, sentenceOf(error));
      this.say(there ? null : sentenceOf(error));
    } finally {
      clearTimeout(slow);
    }
  }

  /**
   * @param {string | null} sentence
   * @param {WayOut[]} [ways]
   * @param {boolean} [bad]
   */
  say(sentence, ways = [], bad = true) {
    this.box.hidden = !sentence;
    this.box.classList.toggle('quiet', !bad);
    find(this.box, '.sentence').textContent = sentence ?? '';
    find(this.box, '.ways').replaceChildren(...ways.map((way) =>
      make('button', { type: 'button', class: 'small', onclick: () => this.take(way.field, way.value) }, way.label)));
  }

  /** Whether a request for just this is under way: it will say itself what cannot be. */
  tried() {
    return desk(this.widget.props.tab).underWay?.(this.changedAt) ?? false;
  }

  // --- Chips

  /**
   * What is in conflict is let go. A request for just this that is under way must fail: it is stopped and made once more.
   *
   * @param {string} field
   * @param {any} value what stays
   */
  take(field, value) {
    if (this.tried() && !field.startsWith('keep')) desk(this.widget.props.tab).relax?.({ field, value, label: '' });
    else this.letGo(field, value);
  }

  /** @param {string} field @param {any} value what stays */
  letGo(field, value) {
    if (field.startsWith('keep') && this.kept?.change && value) this.kept.change(field, value);
    else if (field.startsWith('keep')) this.kept?.keep((value ?? []).map(Number));
    else this.widget.trigger('let_go', { field, value });
  }

  chips() {
    const { elsewhere = [], asks = false, styles } = this.widget.props;
    const unseen = [...NO_CONSTRAINT, ...IN_SIGHT, ...elsewhere];
    const asked = chipsOf(this.dials, styles).filter((chip) => !unseen.includes(chip.field) || (asks && this.isRed(chip)));
    const { bars, text: said } = this.kept ?? { bars: [], text: '' };
    const text = said ? `Keep ${said}` : bars.length === 1 ? `Keep bar ${bars[0]}` : `Keep bars ${bars.join(', ')}`;
    return bars.length ? [...asked, { field: 'keep', value: bars, text, left: null }] : asked;
  }

  draw() {
    const chips = this.chips().map((chip) => ({ ...chip, red: this.isRed(chip) }));
    const drawn = JSON.stringify(chips);
    if (drawn === this.drawn) return; // and the keyboard stays where it is
    this.drawn = drawn;
    const focused = this.list.contains(document.activeElement);
    this.list.replaceChildren(...chips.map(({ red, ...chip }) =>
      make('li', { class: red ? 'chip red' : 'chip', 'data-field': chip.field },
        red && make('span', { class: 'hidden' }, this.conflict.length > 1 ? 'Contradicts another constraint: ' : 'Cannot be met: '), briefly(chip.text),
        make('button', { type: 'button', onclick: () => (red ? this.take(chip.field, chip.left) : this.letGo(chip.field, chip.left)), 'aria-label': `Leave out ${chip.text}` }, '✕'))));
    // Who goes from chip to chip with the keyboard stays among them.
    if (!focused) return;
    const next = this.list.querySelector('button') ?? this.list.closest('[role=tabpanel]')?.querySelector('.go button.primary');
    if (next instanceof HTMLElement) next.focus();
  }

  /** @param {Chip} chip */
  isRed(chip) {
    return this.conflict.some(({ field, value }) => (chip.field === 'keep' ? field.startsWith('keep') : field === chip.field)
      && (value == null || !Array.isArray(chip.left) || plain(value) === plain(chip.value)));
  }
}

/** What changes without any constraint being another. */
const NEVER_MATTERS = ['takes', 'seed', 'instrument'];

/** @param {any} value */
const plain = (value) => String(value ?? '').replaceAll(' ', '');

/** @param {string} text */
const briefly = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);

/** @param {string} entry */
function pinInWords(entry) {
  const found = /^(\d+):([^=]+)=(.+)$/.exec(entry);
  return found ? `Pin ${found[3].trim()} · bar ${found[1]}, beat ${found[2].trim()}` : `Pin ${entry}`;
}

/** @param {Dial[]} dials @param {Record<string, string>} [styles] titles by name @returns {Chip[]} */
function chipsOf(dials, styles = {}) {
  return dials.filter(([, value, usual]) => plain(value) !== plain(usual))
    .flatMap(([field, value, usual]) => {
      const name = CALLED[field] ?? field.charAt(0).toUpperCase() + field.slice(1).replaceAll('_', ' ');
      const lines = Array.isArray(value) ? value.map(String) : LISTS.includes(field) ? String(value).split('\n') : null;
      const entries = lines?.map((each) => each.trim()).filter(Boolean);
      const said = field.endsWith('_from') ? styles[value] ?? value : value;
      if (!entries) return [{ field, value, text: `${name} ${said}`, left: usual === '' ? null : usual }];
      if (field === 'contour') return [{ field, value, text: 'A line to follow', left: [] }];
      return entries.map((entry, place) => (
        { field, value: entry, text: field === 'pins' ? pinInWords(entry) : `${name} ${entry}`, left: entries.filter((_, other) => other !== place) }));
    });
}
