// A lesson in the page's address: #lesson=cafeteria&rate=0.1&hide=noise,menu

/** @import { Lesson } from './types' */

/** Settings longer than that stay out of the address. */
const LONGEST = 800;

/** What an address names, or null. @param {string} hash */
export function readLink(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ''));
  const name = given.get('lesson');
  if (!name) return null;
  const settings = Object.fromEntries([...given].filter(([key]) => key !== 'lesson' && key !== 'hide'));
  return { name, settings, hidden: (given.get('hide') || '').split(',').filter(Boolean) };
}

/**
 * The address of a lesson with what is set otherwise than usual.
 *
 * @param {Lesson} lesson
 * @param {Record<string, any>} settings
 * @param {Set<string>} hidden controls
 */
export function linkTo(lesson, settings, hidden) {
  const link = new URLSearchParams({ lesson: lesson.name });
  for (const knob of lesson.knobs) {
    if (!(knob.name in settings)) continue;
    const value = String(settings[knob.name]);
    if (value !== String(knob.default) && value.length < LONGEST) link.set(knob.name, settings[knob.name]);
  }
  if (hidden.size) link.set('hide', [...hidden].join(','));
  return `#${link}`;
}
