// The questions of a lesson, and which answers were given in this browser.

import { all, around, find, smoothly } from '../dom.js';
import { known, noted, remember } from './memory.js';
import { html } from './text.js';

/** @import { Lesson } from './types' */

/** Milliseconds after the last thing done until the first question comes into sight. */
const QUIET = 500;

/** @type {number | undefined} */
let soon;

/**
 * The visitor did something in a lesson: its first question comes into sight beside the picture, below the controls or
 * over the last of them. Once it is answered, it goes back to its place with the next thing that is done.
 *
 * @param {HTMLElement} page
 */
export function ask(page) {
  clearTimeout(soon);
  soon = setTimeout(() => {
    const answered = page.querySelector('.side .checks [aria-pressed=true]');
    const asked = page.classList.contains('asks');
    page.classList.toggle('asks', !answered);
    if (!asked && !answered) makeRoom(page);
  }, QUIET);
}

/**
 * On a phone the question stands on the buttons, and the picture goes up to where it is seen above both.
 *
 * @param {HTMLElement} page
 */
function makeRoom(page) {
  page.style.setProperty('--pushes', `${find(page, '.pushes').offsetHeight}px`);
  const { top } = find(page, '.figures').getBoundingClientRect();
  if (matchMedia('(max-width: 760px)').matches && top > innerHeight / 3) {
    find(page, '.stage').scrollIntoView({ behavior: smoothly() });
  }
}

/**
 * One question right after the first thing to try, the others after what there is to notice.
 *
 * @param {HTMLElement[]} sections where the first one belongs, and where the others do
 * @param {Lesson} lesson
 * @param {() => void} answered called when one more was answered
 */
export function drawChecks([early, late], lesson, answered) {
  drawSome(early, lesson, 0, 1, answered);
  drawSome(late, lesson, 1, lesson.checks.length, answered);
}

/**
 * @param {HTMLElement} section
 * @param {Lesson} lesson
 * @param {number} from the first question it has
 * @param {number} to the one after its last
 * @param {() => void} answered
 */
function drawSome(section, lesson, from, to, answered) {
  if (!lesson.checks.slice(from, to).length) {
    section.remove();
    return;
  }
  const boxes = lesson.checks.map((check, i) => `
    <fieldset data-check="${i}"><legend>${html(check.question)}</legend>
      ${check.choices.map((choice, j) => `<button type="button" data-choice="${j}">${html(choice)}</button>`).join('')}
      <p class="why" aria-live="polite" hidden></p></fieldset>`).slice(from, to);
  section.innerHTML = from ? `<h3>Check yourself</h3>${boxes.join('')}`
    : `<details open><summary>Before you go on</summary>${boxes.join('')}</details>`;
  for (const [i, j] of Object.entries(known(lesson.name).checks ?? {})) showAnswer(section, lesson, +i, j);
  section.addEventListener('click', (event) => {
    const [button, box] = [around(event, '[data-choice]'), around(event, '[data-check]')];
    if (!button || !box) return;
    const [i, j] = [Number(box.dataset.check), Number(button.dataset.choice)];
    const seen = noted(lesson.name);
    const checks = (seen.checks ||= {});
    checks[i] = j;
    seen.done = lesson.checks.every((_, k) => k in checks);
    remember();
    showAnswer(section, lesson, i, j);
    answered();
  });
}

/**
 * @param {HTMLElement} section
 * @param {Lesson} lesson
 * @param {number} i which question
 * @param {number} chosen
 */
function showAnswer(section, lesson, i, chosen) {
  const box = section.querySelector(`[data-check="${i}"]`);
  const check = lesson.checks[i];
  if (!box || !check) return;
  all(box, '[data-choice]').forEach((button, j) => {
    button.classList.toggle('right', j === check.answer);
    button.classList.toggle('wrong', j === chosen && j !== check.answer);
    button.setAttribute('aria-pressed', String(j === chosen));
  });
  const why = find(box, '.why');
  why.hidden = false;
  why.textContent = (chosen === check.answer ? 'Yes. ' : 'Not quite. ') + check.why;
}
