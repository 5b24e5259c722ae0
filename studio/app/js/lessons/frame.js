// The frame of the page: the list of lessons, and the texts of the one that is open.

import { all, find, reachable, smoothly } from '../dom.js';
import { openTab } from '../gradio_page.js';
import { drawChecks } from './checks.js';
import { drawKnobs } from './knobs.js';
import { known } from './memory.js';
import { build, html } from './text.js';

/** @import { Lessons } from './lessons' */
/** @import { Lesson } from './types' */

export const FRAME = `
  <nav class="course" aria-label="The course">
    <p class="progress"></p>
    <label class="course-menu"><span>Lesson</span><select aria-label="Choose a lesson"></select></label>
    <ol class="course-list"></ol>
  </nav>
  <article class="lesson" aria-live="off"><p class="loading">One moment …</p></article>`;

/** @param {Lessons} lessons */
export function drawCourse({ root, course, lesson }) {
  const isOpen = (/** @type {Lesson} */ each) => each.name === lesson?.name;
  find(root, '.course-list').innerHTML = course.map((each, i) => {
    const { done } = known(each.name);
    const number = done ? '<span class="number done" role="img" aria-label="Done">✓</span>' : `<span class="number">${i + 1}</span>`;
    const now = isOpen(each) ? ' aria-current="page"' : '';
    const words = `<span>${html(each.title)}</span><small>${each.minutes} min</small>`;
    return `<li><button type="button" data-lesson="${each.name}"${now}>${number}${words}</button></li>`;
  }).join('');
  find(root, '.course-menu select').innerHTML = course.map((each, i) => {
    const now = isOpen(each) ? ' selected' : '';
    const mark = known(each.name).done ? ' ✓' : '';
    return `<option value="${each.name}"${now}>${i + 1}. ${html(each.title)} · ${each.minutes} min${mark}</option>`;
  }).join('');
  drawProgress(find(root, '.progress'), course);
}

/** How far the visitor is in the course. @param {HTMLElement} line @param {Lesson[]} course */
function drawProgress(line, course) {
  const left = course.filter((each) => !known(each.name).done);
  const done = course.length - left.length;
  const minutes = left.reduce((sum, each) => sum + each.minutes, 0);
  const words = done === 0 ? `${course.length} lessons, about ${minutes} minutes`
    : left.length ? `${done} of ${course.length} done, about ${minutes} minutes left` : 'All lessons done';
  line.innerHTML = `<span>${words}</span><i aria-hidden="true"><b style="width: ${(100 * done) / course.length}%"></b></i>`;
}

/** @param {Lessons} lessons @param {Lesson} lesson */
export function drawLesson(lessons, lesson) {
  const { course, page } = lessons;
  const at = course.findIndex((each) => each.name === lesson.name);
  const next = course[at + 1];
  page.dataset.lesson = lesson.name;
  page.innerHTML = lessonHtml(lesson, at, course.length, next);
  page.classList.remove('asks');
  drawKnobs(lessons, lesson);
  drawChecks(all(page, '.checks'), lesson, () => drawCourse(lessons));
  connectOnward(lessons, lesson, next);
  for (const text of all(page, 'pre')) reachable(text);
}

/** @param {string[]} texts */
const items = (texts) => texts.map((each) => `<li>${html(each)}</li>`).join('');

/**
 * @param {Lesson} lesson
 * @param {number} at
 * @param {number} count
 * @param {Lesson | undefined} next
 */
function lessonHtml(lesson, at, count, next) {
  const credits = lesson.credits.length
    ? `<section class="credits"><h3>Credits</h3><ul>${items(lesson.credits)}</ul></section>` : '';
  const toTab = lesson.tab ? `<button type="button" class="to-tab">Open the ${html(lesson.tab)} tab</button>` : '';
  const onward = next
    ? `<button type="button" class="next" data-lesson="${next.name}">Next: ${html(next.title)}&nbsp;→</button>` : '';
  return `
    <header>
      <p class="kicker">Lesson ${at + 1} of ${count} · about ${lesson.minutes} minutes</p>
      <h2>${html(lesson.title)}</h2>
      <p class="question">${html(lesson.question)}</p>
      <p class="first"><b>Try this:</b> ${html(lesson.first)}</p>
    </header>
    <div class="bench">
      <div class="pushes" role="group" aria-label="Actions"></div>
      <div class="side">
        <form class="knobs" aria-label="Controls"></form>
        <section class="checks"></section>
      </div>
      <div class="stage">
        <p class="says" role="status"></p>
        <div class="numbers"></div>
        <div class="figures"></div>
        <div class="tables"></div>
      </div>
    </div>
    <section class="notice"><h3>What to notice</h3><ul>${items(lesson.notice)}</ul></section>
    <section class="checks"></section>
    <section class="formula"><h3>In a formula</h3><pre>${html(lesson.formula)}</pre></section>
    <section class="code"><h3>In Python</h3><button type="button" class="copy">Copy</button><pre><code>${html(lesson.code)}</code></pre></section>
    <section class="use"><h3>Where artists use it</h3><p>${html(lesson.use)}</p></section>
    ${credits}
    <div class="onward">
      ${toTab}
      <button type="button" class="print">Print</button>
      <button type="button" class="link">Copy a link with these settings</button>
      <details class="hide"><summary>Hide controls in the link</summary><div class="hide-list"></div></details>
      ${onward}
    </div>`;
}

/**
 * What leads on from the lesson: the next one, a tab, paper, or a link.
 *
 * @param {Lessons} lessons
 * @param {Lesson} lesson
 * @param {Lesson | undefined} next
 */
function connectOnward(lessons, lesson, next) {
  const { page, root } = lessons;
  const onward = find(page, '.onward');
  onward.querySelector('.next')?.addEventListener('click', () => {
    if (next) lessons.open(next.name, { push: true });
    root.scrollIntoView({ behavior: smoothly() });
  });
  onward.querySelector('.to-tab')?.addEventListener('click', () => openTab(lesson.tab));
  find(onward, '.print').addEventListener('click', () => window.print());
  const [link, code] = [find(onward, '.link'), find(page, '.copy')];
  link.addEventListener('click', () => copy(location.href.split('#')[0] + lessons.link(), link));
  code.addEventListener('click', () => copy(lesson.code, code));
  const list = find(onward, '.hide-list');
  list.innerHTML = lesson.knobs.map((knob) => {
    const checked = lessons.hidden.has(knob.name) ? ' checked' : '';
    return `<label><input type="checkbox" value="${knob.name}"${checked}> ${html(knob.label)}</label>`;
  }).join('');
  list.addEventListener('change', (event) => {
    if (!(event.target instanceof HTMLInputElement)) return;
    if (event.target.checked) lessons.hidden.add(event.target.value);
    else lessons.hidden.delete(event.target.value);
    lessons.writeLink();
    drawKnobs(lessons, lesson);
  });
}

/** @param {string} text @param {HTMLElement} button */
async function copy(text, button) {
  const said = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = build('textarea', { style: 'position:fixed;opacity:0' });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  button.textContent = 'Copied';
  setTimeout(() => { button.textContent = said; }, 1200);
}
