// A scene as the lesson tells it: what it says, its numbers, figures and tables.

import { all, find, reachable } from '../dom.js';
import { attend } from './input.js';
import { plotOf, svg, widthOf } from './plot.js';
import { build, html } from './text.js';

/** @import { Lessons } from './lessons' */
/** @import { Figure, Scene, Table } from './types' */

/** @type {WeakMap<Element, string>} what each drawing shows now */
const drawn = new WeakMap();

/** @param {Lessons} lessons @param {Scene} scene */
export function drawScene({ page, lesson }, scene) {
  const { away } = scene;
  for (const group of all(page, '.group')) group.hidden = away.includes(group.dataset.group ?? '');
  for (const button of all(page, '[data-push]')) button.hidden = away.includes(button.dataset.push ?? '');
  for (const button of all(page, '[data-push="play"]')) {
    const label = lesson?.knobs.find((knob) => knob.name === 'play')?.label ?? '';
    button.textContent = scene.playing ? 'Pause' : label;
    button.setAttribute('aria-pressed', String(scene.playing));
  }
  find(page, '.numbers').innerHTML = Object.entries(scene.numbers)
    .map(([name, value]) => `<div><span>${html(name)}</span><b>${html(value)}</b></div>`).join('');
}

/** @param {Scene} scene @param {HTMLElement} box */
export function drawTables({ tables }, box) {
  box.innerHTML = tables.map((table) => {
    const head = table.columns.map((text, k) => `<th scope="col"${side(table, k)}>${html(text)}</th>`).join('');
    const rows = table.rows.map((row, i) => {
      const cells = row.map((cell, k) => `<td${side(table, k)}>${html(cell)}</td>`).join('');
      return `<tr${i === table.chosen ? ' class="chosen"' : ''}>${cells}</tr>`;
    }).join('');
    const caption = `<caption><span>${html(table.title)}</span></caption>`;
    return `<div class="table${table.columns.length > 8 ? ' dense' : ''}">
      <table>${caption}<thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table></div>`;
  }).join('');
  for (const table of all(box, '.table')) reachable(table);
}

/**
 * Numbers stand under one another by their last digit, words by their first letter. A column is of words when most
 * of it is.
 *
 * @param {Table} table
 * @param {number} k
 */
function side(table, k) {
  const words = table.rows.filter((row) => /^[^\d]*[a-zA-Z]{2}|[a-zA-Z]{4}/.test(row[k])).length;
  return words * 2 > table.rows.length ? ' class="words"' : '';
}

/** @param {Lessons} lessons @param {Scene} scene */
export function drawFigures(lessons, { figures, columns }) {
  const box = find(lessons.page, '.figures');
  const shares = columns.map((share) => `minmax(0, ${share}fr)`).join(' ');
  box.classList.toggle('columns', shares !== '');
  box.style.setProperty('--columns', shares || 'none');
  const place = (/** @type {Figure} */ figure) => find(box, `[data-figure="${CSS.escape(figure.name)}"]`);
  const names = figures.map((figure) => figure.name).join('|');
  if (box.dataset.names !== names) {
    box.dataset.names = names;
    box.innerHTML = figures.map(emptyFigure).join('');
    for (const figure of figures) attend(lessons, find(place(figure), '.drawing'), figure.name);
  }
  for (const figure of figures) drawFigure(lessons, place(figure), figure);
}

/** @param {Figure} figure */
const emptyFigure = (figure) => `
  <figure data-figure="${html(figure.name)}" class="${figure.wide ? 'wide' : ''}" style="--rows:${figure.rows}">
    <figcaption>${html(figure.title)}</figcaption>
    <div class="sheet"><div class="drawing"></div></div><p class="hint"></p>
    <details><summary>In words</summary><p class="twin"></p></details>
  </figure>`;

/** @param {Lessons} lessons @param {HTMLElement} place @param {Figure} figure */
function drawFigure(lessons, place, figure) {
  find(place, 'figcaption').textContent = figure.title;
  find(place, '.hint').textContent = figure.clicks;
  find(place, '.twin').textContent = figure.text;
  const drawing = find(place, '.drawing');
  if (drawing.dataset.drawing === 'now') return;
  const units = widthOf(drawing, figure);
  drawing.dataset.units = String(units);
  drawing.style.setProperty('--aspect', String(figure.aspect));
  redraw(drawing, svg(figure, units));
  showEntry(lessons, find(place, '.sheet'), figure, units);
}

/**
 * A drawing is changed where it differs and not made new: what is pointed at, pressed or focused stays the same
 * thing while it moves.
 *
 * @param {HTMLElement} drawing
 * @param {string} text
 */
function redraw(drawing, text) {
  const same = drawn.get(drawing) === text;
  drawn.set(drawing, text);
  const old = drawing.firstElementChild;
  if (old && same) {
    drawing.querySelectorAll('.stroke').forEach((line) => line.remove());
    return;
  }
  const template = document.createElement('template');
  template.innerHTML = text;
  const now = find(template.content, 'svg', SVGElement);
  if (!old) {
    drawing.append(now);
    return;
  }
  const held = drawing.contains(document.activeElement) ? handle(document.activeElement) : undefined;
  patch(old, now);
  if (!held || handle(document.activeElement) === held) return;
  /** @type {HTMLElement | null} */ (drawing.querySelector(held))?.focus({ preventScroll: true });
}

/** How something in a drawing is found again. @param {Element | null} thing */
function handle(thing) {
  if (!(thing instanceof HTMLElement || thing instanceof SVGElement)) return undefined;
  const kind = ['press', 'node', 'link', 'drag'].find((each) => thing.dataset[each] !== undefined);
  return kind && `[data-${kind}="${CSS.escape(thing.dataset[kind] ?? '')}"]`;
}

/** @param {ChildNode} old @param {ChildNode} now */
function patch(old, now) {
  if (old.nodeName !== now.nodeName) {
    old.replaceWith(now);
    return;
  }
  if (!(old instanceof Element && now instanceof Element)) {
    if (old.textContent !== now.textContent) old.textContent = now.textContent;
    return;
  }
  for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (!now.hasAttribute(name)) old.removeAttribute(name);
  const [before, after] = [[...old.childNodes], [...now.childNodes]];
  after.forEach((child, i) => (before[i] ? patch(before[i], child) : old.append(child)));
  before.slice(after.length).forEach((child) => child.remove());
}

/**
 * A number to type over the figure, where it asks for one.
 *
 * @param {Lessons} lessons
 * @param {HTMLElement} sheet
 * @param {Figure} figure
 * @param {number} units
 */
function showEntry(lessons, sheet, figure, units) {
  const entry = figure.marks.find((mark) => mark.mark === 'entry');
  const there = sheet.querySelector('.entry');
  const same = there instanceof HTMLElement && there.dataset.entry === entry?.id;
  if (!same) there?.remove();
  if (!entry) return;
  const typed = String(+entry.value.toFixed(4));
  const form = same ? there : newEntry(lessons, sheet, figure.name, entry.id, typed);
  const plot = plotOf(figure, units);
  form.style.left = `${Math.min(80, Math.max(20, (plot.X(entry.x) / units) * 100))}%`;
  form.style.top = `${(plot.Y(entry.y) / plot.height) * 100}%`;
  find(form, 'span').textContent = entry.text;
  const input = find(form, 'input', HTMLInputElement);
  if (input !== document.activeElement) input.value = typed;
}

/**
 * @param {Lessons} lessons
 * @param {HTMLElement} sheet
 * @param {string} figure
 * @param {string} id
 * @param {string} typed
 */
function newEntry({ talk }, sheet, figure, id, typed) {
  const inside = '<label><span></span><input type="number" step="any"></label>'
    + '<button type="button" aria-label="Close">×</button>';
  const form = build('form', { class: 'entry', 'data-entry': id }, inside);
  const input = find(form, 'input', HTMLInputElement);
  const edit = (/** @type {number | null} */ value) => talk.send({ name: 'edit', figure, id, value });
  input.value = typed;
  input.addEventListener('input', () => {
    if (input.value !== '' && Number.isFinite(+input.value)) edit(+input.value);
  });
  form.addEventListener('submit', (event) => { event.preventDefault(); edit(null); });
  form.addEventListener('keydown', (event) => { if (event.key === 'Escape') edit(null); });
  find(form, 'button').addEventListener('click', () => edit(null));
  sheet.append(form);
  input.focus({ preventScroll: true });
  input.select();
  return form;
}
