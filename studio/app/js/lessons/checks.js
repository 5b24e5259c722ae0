// The questions at the end of a lesson, and which answers were given in this browser.

import { all, around, find } from '../dom.js';
import { known, noted, remember } from './memory.js';
import { html } from './text.js';

/** @import { Lesson } from './types' */

/**
 * @param {HTMLElement} section
 * @param {Lesson} lesson
 * @param {() => void} answered called when one more was answered
 */
export function drawChecks(section, lesson, answered) {
  if (!lesson.checks.length) {
    section.remove();
    return;
  }
  section.innerHTML = `<h3>What will happen if …</h3>${lesson.checks.map((check, i) => `
    <fieldset data-check="${i}"><legend>${html(check.question)}</legend>
      ${check.choices.map((choice, j) => `<button type="button" data-choice="${j}">${html(choice)}</button>`).join('')}
      <p class="why" hidden></p></fieldset>`).join('')}`;
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
