// What the widgets ask of the server, and how files get there.

/** @import { Offer, Widget } from './types' */

/**
 * An answer of the server, or an Error whose message is the one sentence to show.
 *
 * @template T
 * @param {Promise<T>} answer
 * @returns {Promise<T>}
 */
export async function asked(answer) {
  /** @type {any} */
  let told;
  try {
    told = await answer;
  } catch {
    throw new Error('The studio does not answer; check that it is still running, then try again.');
  }
  if (told && told.trouble) throw Object.assign(new Error(told.trouble), { field: told.field });
  return told;
}

/**
 * Uploads a file and gives it as the page offers files. The limit is the server's; the visitor is told here,
 * before the bytes travel.
 *
 * @param {Widget} widget
 * @param {File} file
 * @returns {Promise<Offer>}
 */
export async function offered({ props, upload }, file) {
  const limit = props.largest_upload;
  if (file.size === 0) throw new Error(`${file.name} is empty; choose another file.`);
  if (limit && file.size > limit) {
    throw new Error(`${file.name} is larger than ${Math.round(limit / 2 ** 20)} MB; make it smaller first.`);
  }
  let kept = null;
  try {
    kept = await upload(file);
  } catch { /* said below */ }
  if (!kept?.path) throw new Error(`${file.name} could not be sent to the studio; try again.`);
  const described = { path: kept.path, url: kept.url, orig_name: file.name, size: file.size };
  return { file: { ...described, mime_type: file.type || null, meta: { _type: 'gradio.FileData' } } };
}

/**
 * The one file of a role. The server offers a list for each role.
 *
 * @param {Offer | Offer[] | null | undefined} offers
 * @returns {Offer | null}
 */
export const firstOf = (offers) => (Array.isArray(offers) ? offers[0] : offers) ?? null;

/** All files of a role. @param {Offer | Offer[] | null | undefined} offers @returns {Offer[]} */
export const listed = (offers) => (Array.isArray(offers) ? offers : offers ? [offers] : []);
