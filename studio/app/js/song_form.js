// The form of a song as blocks: dragged, moved and changed with keys, or typed.

import { all, around, find, make } from './dom.js';
import { control, touched } from './value.js';

/** @import { Widget } from './types' */

/** @typedef {{name: string, letters: string, bars: number, sentence: string}} NamedForm */

/** The sections of a form. @param {string} text */
export const sectionsOf = (text) => text.replaceAll('’', "'").replaceAll(' ', '').match(/[A-Z]'*/g) ?? [];

/** @param {Widget<{info: string, label: string, forms: NamedForm[]}>} widget */
export function open(widget) {
  const { element, props } = widget;
  find(element, 'legend').textContent = props.label;
  find(element, '.info').textContent = props.info;
  const form = new Form(element, props.forms, (value) => keep(value));
  const keep = control(widget, () => form.show(String(props.value ?? '')));
}

class Form {
  /**
   * @param {HTMLElement} element
   * @param {NamedForm[]} forms
   * @param {(value: string) => void} keep
   */
  constructor(element, forms, keep) {
    this.element = element;
    this.forms = forms;
    this.keep = keep;
    this.blocks = find(element, '.blocks');
    this.typed = find(element, 'input', HTMLInputElement);
    this.told = find(element, '.told');
    this.tools = find(element, '.tools');
    /** @type {string[]} */
    this.letters = [];
    this.at = 0;
    find(element, '.named').replaceChildren(...forms.map((each) => make('button', {
      type: 'button',
      class: 'small',
      title: each.sentence,
      'data-form': each.name,
      onclick: () => this.choose(each.name),
    }, each.name)));
    this.typed.addEventListener('input', () => touched(element));
    this.typed.addEventListener('change', () => this.choose(this.typed.value.trim()));
    this.blocks.addEventListener('keydown', (event) => this.key(event));
    find(element, '.more').addEventListener('click', () => this.add());
    this.tools.addEventListener('click', (event) => {
      const key = around(event, '[data-key]')?.dataset.key;
      if (key && this.press(key)) all(this.tools, 'button').find((each) => each.dataset.key === key)?.focus({ preventScroll: true });
    });
  }

  /** A person chose it. @param {string} value */
  choose(value) {
    this.show(value);
    this.keep(value);
  }

  /** @param {string} value letters or a name */
  show(value) {
    const named = this.forms.find((each) => each.name === value);
    this.letters = sectionsOf(named?.letters ?? value);
    if (document.activeElement !== this.typed) this.typed.value = value;
    this.told.textContent = named ? `${named.sentence} Usually ${named.bars} bars.` : '';
    for (const button of all(this.element, '[data-form]')) button.setAttribute('aria-pressed', String(button.dataset.form === value));
    this.draw();
  }

  draw() {
    const focused = this.blocks.contains(document.activeElement);
    this.at = Math.max(0, Math.min(this.at, this.letters.length - 1));
    this.blocks.replaceChildren(...this.letters.map((letter, place) => this.block(letter, place)));
    if (focused) this.focus();
    this.drawTools();
  }

  /** @param {number} place */
  select(place) {
    this.at = place;
    all(this.blocks, '.block').forEach((each, other) => {
      each.setAttribute('aria-selected', String(other === place));
      each.tabIndex = other === place ? 0 : -1;
    });
    this.drawTools();
  }

  /** What can be done to the block that is chosen, for who has no keyboard. */
  drawTools() {
    const chosen = this.letters[this.at];
    this.tools.hidden = !chosen;
    if (!chosen) return;
    const known = [...new Set(this.letters.map(([letter]) => letter))].sort();
    const next = String.fromCharCode(known[known.length - 1].charCodeAt(0) + 1);
    const letters = [...known, ...(next <= 'Z' ? [next] : [])];
    const tool = (/** @type {string} */ key, /** @type {string} */ words, /** @type {Record<string, any>} */ more = {}) =>
      make('button', { type: 'button', class: 'small', 'data-key': key, ...more }, words);
    this.tools.replaceChildren(
      make('span', { class: 'small' }, `Section ${this.at + 1}:`),
      ...letters.map((letter) => tool(letter, letter, { 'aria-pressed': String(letter === chosen[0]), 'aria-label': `Make it ${letter}` })),
      tool("'", 'Other ending', { 'aria-pressed': String(chosen.endsWith("'")) }),
      tool('Delete', 'Remove', { disabled: this.letters.length < 2 }));
  }

  focus() {
    const block = this.blocks.children[this.at];
    if (block instanceof HTMLElement) block.focus();
  }

  /** @param {string} letter @param {number} place */
  block(letter, place) {
    const block = make('div', {
      class: `block letter-${letter[0]}`,
      role: 'option',
      'aria-selected': place === this.at ? 'true' : 'false',
      'aria-label': `Section ${place + 1} of ${this.letters.length}: ${letter}`,
      tabindex: place === this.at ? '0' : '-1',
    }, letter);
    block.addEventListener('focus', () => this.select(place));
    block.addEventListener('pointerdown', (event) => this.drag(event, block, place));
    return block;
  }

  /**
   * @param {PointerEvent} event
   * @param {HTMLElement} block
   * @param {number} place
   */
  drag(event, block, place) {
    if (event.button) return;
    block.setPointerCapture(event.pointerId);
    block.focus({ preventScroll: true });
    const blocks = all(this.blocks, '.block');
    const slots = blocks.map((each) => each.getBoundingClientRect());
    let to = place;
    const move = (/** @type {PointerEvent} */ moved) => {
      const [right, down] = [moved.clientX - event.clientX, moved.clientY - event.clientY];
      if (!block.classList.contains('dragged') && Math.hypot(right, down) < STILL) return;
      block.classList.add('dragged');
      block.style.transform = `translate(${right}px, ${down}px)`;
      to = nearest(slots, slots[place].left + slots[place].width / 2 + right, slots[place].top + slots[place].height / 2 + down);
      // The others make room where it would come to stand.
      blocks.forEach((each, other) => {
        if (other === place) return;
        const there = other + Number(other >= to && other < place) - Number(other <= to && other > place);
        each.style.transform = `translate(${slots[there].left - slots[other].left}px, ${slots[there].top - slots[other].top}px)`;
      });
    };
    const drop = () => {
      block.removeEventListener('pointermove', move);
      if (to !== place) this.move(place, to);
      else this.draw();
    };
    block.addEventListener('pointermove', move);
    block.addEventListener('pointerup', drop, { once: true });
    block.addEventListener('pointercancel', () => { to = place; drop(); }, { once: true });
  }

  /** @param {number} from @param {number} to */
  move(from, to) {
    if (to < 0 || to >= this.letters.length) return;
    const [moved] = this.letters.splice(from, 1);
    this.letters.splice(to, 0, moved);
    this.at = to;
    this.changed();
  }

  add() {
    const last = this.letters.at(-1)?.[0] ?? '@';
    this.letters.push(this.letters.length < 2 ? String.fromCharCode(last.charCodeAt(0) + 1) : this.letters[0][0]);
    this.at = this.letters.length - 1;
    this.changed();
    this.focus();
  }

  changed() {
    this.choose(this.letters.join(''));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!(event.target instanceof HTMLElement) || !event.target.matches('.block')) return;
    if (event.ctrlKey || event.metaKey) return;
    if (this.press(event.key, event.altKey)) event.preventDefault();
  }

  /** What a key does to the chosen block. Gives whether it does something. @param {string} key @param {boolean} [alt] */
  press(key, alt = false) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (step && alt) this.move(this.at, this.at + step);
    else if (step) {
      this.at = Math.max(0, Math.min(this.letters.length - 1, this.at + step));
      this.draw();
    } else if ((key === 'Delete' || key === 'Backspace') && this.letters.length > 1) {
      this.letters.splice(this.at, 1);
      this.changed();
    } else if (/^[a-zA-Z]$/.test(key)) {
      this.letters[this.at] = key.toUpperCase();
      this.changed();
    } else if (key === "'") {
      const letter = this.letters[this.at];
      this.letters[this.at] = letter.endsWith("'") ? letter[0] : `${letter}'`;
      this.changed();
    } else return false;
    return true;
  }
}

/** Pixels that a block is moved before it is dragged: less is a press. */
const STILL = 4;

/** Which of these boxes has its middle nearest to a point. @param {DOMRect[]} boxes @param {number} x @param {number} y */
function nearest(boxes, x, y) {
  const far = boxes.map((box) => Math.hypot(box.left + box.width / 2 - x, box.top + box.height / 2 - y));
  return far.indexOf(Math.min(...far));
}
