// The form of a song as blocks: dragged, moved and changed with keys, or typed.

import { all, find, make } from './dom.js';
import { control } from './value.js';

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
    this.forms = forms;
    this.keep = keep;
    this.blocks = find(element, '.blocks');
    this.typed = find(element, 'input', HTMLInputElement);
    this.told = find(element, '.told');
    /** @type {string[]} */
    this.letters = [];
    this.at = 0;
    find(element, '.named').replaceChildren(...forms.map((each) => make('button', {
      type: 'button',
      class: 'small',
      title: each.sentence,
      onclick: () => this.choose(each.name),
    }, each.name)));
    this.typed.addEventListener('change', () => this.choose(this.typed.value.trim()));
    this.blocks.addEventListener('keydown', (event) => this.key(event));
    find(element, '.more').addEventListener('click', () => this.add());
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
    this.draw();
  }

  draw() {
    const focused = this.blocks.contains(document.activeElement);
    this.at = Math.max(0, Math.min(this.at, this.letters.length - 1));
    this.blocks.replaceChildren(...this.letters.map((letter, place) => this.block(letter, place)));
    if (focused) this.focus();
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
    block.addEventListener('focus', () => { this.at = place; });
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
    block.focus();
    const start = event.clientX;
    let to = place;
    const move = (/** @type {PointerEvent} */ moved) => {
      block.style.transform = `translateX(${moved.clientX - start}px)`;
      block.classList.add('dragged');
      const others = all(this.blocks, '.block').filter((each) => each !== block);
      to = others.filter((each) => {
        const box = each.getBoundingClientRect();
        return moved.clientY > box.bottom || (moved.clientY > box.top && moved.clientX > box.left + box.width / 2);
      }).length;
    };
    const drop = () => {
      block.removeEventListener('pointermove', move);
      if (to !== place && block.classList.contains('dragged')) this.move(place, to);
      else this.draw();
    };
    block.addEventListener('pointermove', move);
    block.addEventListener('pointerup', drop, { once: true });
    block.addEventListener('pointercancel', drop, { once: true });
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
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.ctrlKey || event.metaKey) return;
    if (step && event.altKey) this.move(this.at, this.at + step);
    else if (step) {
      this.at = Math.max(0, Math.min(this.letters.length - 1, this.at + step));
      this.draw();
    } else if ((event.key === 'Delete' || event.key === 'Backspace') && this.letters.length > 1) {
      this.letters.splice(this.at, 1);
      this.changed();
    } else if (/^[a-zA-Z]$/.test(event.key)) {
      this.letters[this.at] = event.key.toUpperCase();
      this.changed();
    } else if (event.key === "'") {
      const letter = this.letters[this.at];
      this.letters[this.at] = letter.endsWith("'") ? letter[0] : `${letter}'`;
      this.changed();
    } else return;
    event.preventDefault();
  }
}
