// The controls of a lesson: how each kind is made, and how they follow what the lesson itself changes.

import { all, find } from '../dom.js';
import { cameraKnob } from './camera_knob.js';
import { build, format, html } from './text.js';

/** @import { Lessons } from './lessons' */
/** @import { Knob, Lesson } from './types' */

const LARGEST = 8 * 2 ** 20; // bytes of a file for a lesson

/**
 * Puts the controls of the open lesson into the page.
 *
 * @param {Lessons} lessons
 * @param {Lesson} lesson
 */
export function drawKnobs(lessons, lesson) {
  const form = find(lessons.page, '.knobs');
  const pushes = find(lessons.page, '.pushes');
  form.innerHTML = '';
  pushes.innerHTML = '';
  /** @type {Record<string, Element>} */
  const groups = {};
  const placeOf = (/** @type {Knob} */ knob) => {
    if (!knob.group) return knob.type === 'Push' ? pushes : form;
    return (groups[knob.group] ??= group(form, knob.group, !lesson.folded.includes(knob.group)));
  };
  for (const knob of lesson.knobs) {
    if (lessons.hidden.has(knob.name)) continue;
    const help = knob.help ? `<small>${html(knob.help)}</small>` : '';
    const box = MAKERS[knob.type](lessons, knob, help, lessons.settings[knob.name]);
    if (knob.type !== 'Push') box.dataset.knob = knob.name;
    placeOf(knob).append(box);
  }
}

/**
 * A fold of controls; gives where they go.
 *
 * @param {HTMLElement} form
 * @param {string} name
 * @param {boolean} open
 */
function group(form, name, open) {
  const inside = `<summary>${html(name)}</summary><div></div>`;
  const fold = build('details', { class: 'group', 'data-group': name }, inside);
  fold.open = open;
  form.append(fold);
  return find(fold, 'div');
}

/** @param {Knob} knob */
const idOf = (knob) => `knob-${knob.name}`;

/** @type {Record<string, (lessons: Lessons, knob: Knob, help: string, value: any) => HTMLElement>} */
const MAKERS = {
  Push: (lessons, knob) => {
    const title = knob.help + (knob.key ? ` (key: ${knob.key})` : '');
    const attributes = { type: 'button', class: knob.main ? 'main' : '', 'data-push': knob.name, title };
    const button = build('button', attributes, html(knob.label));
    button.addEventListener('click', () => lessons.talk.send({ name: knob.name }));
    return button;
  },
  Switch: (lessons, knob, help, value) => {
    const input = `<input type="checkbox" id="${idOf(knob)}"${value ? ' checked' : ''}>`;
    const box = build('label', { class: 'knob switch' }, `${input}<span>${html(knob.label)}</span>${help}`);
    const tick = find(box, 'input', HTMLInputElement);
    tick.addEventListener('change', () => lessons.set(knob.name, tick.checked));
    return box;
  },
  Choice: (lessons, knob, help, value) =>
    (knob.icons.length ? iconChoice : listChoice)(lessons, knob, help, value),
  Slide: slide,
  Write: (lessons, knob, help, value) => {
    const text = `<textarea id="${idOf(knob)}" rows="${knob.lines}" spellcheck="false"></textarea>`;
    const box = build('label', { class: 'knob write' }, `<span>${html(knob.label)}</span>${text}${help}`);
    const area = find(box, 'textarea', HTMLTextAreaElement);
    area.value = value;
    area.addEventListener('change', () => lessons.set(knob.name, area.value));
    return box;
  },
  Camera: cameraKnob,
  Upload: upload,
};

/** @param {Lessons} lessons @param {Knob} knob @param {string} help @param {any} value */
function iconChoice(lessons, knob, help, value) {
  const icon = (/** @type {string} */ option, /** @type {number} */ i) => {
    const text = html(option);
    const checked = option === value ? ' checked' : '';
    const radio = `<input type="radio" name="${idOf(knob)}" value="${text}" aria-label="${text}"${checked}>`;
    const drawing = `<svg viewBox="0 0 32 32" aria-hidden="true">${knob.icons[i]}</svg>`;
    return `<label title="${text}">${radio}${drawing}</label>`;
  };
  const attributes = { class: 'knob icons', role: 'radiogroup', 'aria-label': knob.label };
  const title = `<span>${html(knob.label)} <output>${html(value)}</output></span>`;
  const box = build('div', attributes, `${title}<div>${knob.options.map(icon).join('')}</div>${help}`);
  box.addEventListener('change', (event) => {
    if (!(event.target instanceof HTMLInputElement)) return;
    find(box, 'output').textContent = event.target.value;
    lessons.set(knob.name, event.target.value);
  });
  return box;
}

/** @param {Lessons} lessons @param {Knob} knob @param {string} help @param {any} value */
function listChoice(lessons, knob, help, value) {
  const options = knob.options.map((option, i) => {
    const selected = option === value ? ' selected' : '';
    return `<option value="${html(option)}"${selected}>${html(knob.labels[i] ?? option)}</option>`;
  }).join('');
  const inside = `<span>${html(knob.label)}</span><select id="${idOf(knob)}">${options}</select>${help}`;
  const box = build('label', { class: 'knob' }, inside);
  const list = find(box, 'select', HTMLSelectElement);
  list.addEventListener('change', () => lessons.set(knob.name, list.value));
  return box;
}

/** @param {Lessons} lessons @param {Knob} knob @param {string} help @param {any} value */
function slide(lessons, knob, help, value) {
  const { stops } = knob;
  const at = stops.length ? Math.max(0, stops.indexOf(+value)) : value;
  const range = stops.length
    ? `min="0" max="${stops.length - 1}" step="1"`
    : `min="${knob.minimum}" max="${knob.maximum}" step="${knob.step}"`;
  const title = `<span>${html(knob.label)} <output>${format(value)}</output></span>`;
  const input = `<input type="range" id="${idOf(knob)}" ${range} value="${at}">`;
  const box = build('label', { class: 'knob' }, title + input + help);
  const slider = find(box, 'input', HTMLInputElement);
  slider.addEventListener('input', () => {
    const number = stops.length ? stops[+slider.value] : +slider.value;
    find(box, 'output').textContent = format(number);
    lessons.set(knob.name, number);
  });
  return box;
}

/** @param {Lessons} lessons @param {Knob} knob @param {string} help */
function upload(lessons, knob, help) {
  const input = `<input type="file" id="${idOf(knob)}" accept="${html(knob.accepts)}">`;
  const box = build('label', { class: 'knob upload' }, `<span>${html(knob.label)}</span>${input}${help}`);
  const chooser = find(box, 'input', HTMLInputElement);
  chooser.addEventListener('change', async () => {
    const file = chooser.files?.[0];
    if (!file) return;
    if (file.size > LARGEST) {
      lessons.says('The file is larger than 8 MB; make it smaller first.', 'bad');
      return;
    }
    const bytes = new Uint8Array(await file.arrayBuffer());
    let text = '';
    for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
    lessons.talk.send({ name: knob.name, text: file.name, content: btoa(text) });
    chooser.value = '';
  });
  return box;
}

/**
 * Shows settings that the lesson itself changed.
 *
 * @param {Lessons} lessons
 * @param {Record<string, any>} values
 */
export function followKnobs(lessons, values) {
  for (const [name, value] of Object.entries(values)) {
    lessons.settings[name] = value;
    const knob = lessons.lesson?.knobs.find((each) => each.name === name);
    if (knob?.icons?.length) followIcons(lessons.page, name, value);
    else if (knob) followInput(lessons.page, knob, value);
  }
}

/** @param {HTMLElement} page @param {string} name @param {any} value */
function followIcons(page, name, value) {
  const box = page.querySelector(`[data-knob="${CSS.escape(name)}"]`);
  if (!box) return;
  find(box, 'output').textContent = value;
  for (const radio of all(box, 'input', HTMLInputElement)) radio.checked = radio.value === value;
}

/** @param {HTMLElement} page @param {Knob} knob @param {any} value */
function followInput(page, knob, value) {
  const input = /** @type {HTMLInputElement | null} */ (page.querySelector(`#${CSS.escape(idOf(knob))}`));
  if (!input || input === document.activeElement) return;
  if (knob.type === 'Switch') input.checked = value;
  else if (knob.type === 'Slide') {
    input.value = String(knob.stops.length ? knob.stops.indexOf(+value) : value);
    const box = input.closest('.knob');
    if (box) find(box, 'output').textContent = format(value);
  } else input.value = value;
}
