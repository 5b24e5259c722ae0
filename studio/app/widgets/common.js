// What the widgets share. Each widget's script is put behind this one; `element`, `props`, `server`, `upload`, `watch` and `trigger` are Gradio's.
const studio = (window.studio ??= {});
const find = (selector, within = element) => within.querySelector(selector);
const all = (selector, within = element) => [...within.querySelectorAll(selector)];

// A DOM element: make('a', {href: '…', class: 'tile', onclick: f}, 'text', child …). Text is never read as HTML.
const make = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, '');
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null && child !== false));
  return made;
};

// An answer of the server, or an Error whose message is the one sentence to show.
const asked = async (answer) => {
  let told;
  try {
    told = await answer;
  } catch {
    throw new Error('The studio does not answer; see whether it still runs, then try again.');
  }
  if (told && told.trouble) throw new Error(told.trouble);
  return told;
};

// Uploads a file and gives it as the page offers pictures. The limit is the server's; it is told here before the bytes travel.
const offered = async (file) => {
  const limit = props.largest_upload;
  if (file.size === 0) throw new Error(`${file.name} is empty; choose another file.`);
  if (limit && file.size > limit) throw new Error(`${file.name} is larger than ${Math.round(limit / 2 ** 20)} MB; make it smaller first.`);
  let kept;
  try {
    kept = await upload(file);
  } catch {
    throw new Error(`${file.name} could not be sent to the studio; try again.`);
  }
  if (!kept || !kept.path) throw new Error(`${file.name} could not be sent to the studio; try again.`);
  const described = {path: kept.path, url: kept.url, orig_name: file.name, size: file.size, mime_type: file.type || null};
  return {file: {...described, meta: {_type: 'gradio.FileData'}}};
};

const picturesOf = (transfer) => [...(transfer?.files ?? [])].filter((file) => !file.type || file.type.startsWith('image/'));
// What the server offers of a role is a list; most roles have one file.
const first = (offers) => (Array.isArray(offers) ? offers[0] : offers) ?? null;
const inSight = () => element.offsetParent !== null;
const calm = () => window.matchMedia('(prefers-reduced-motion: reduce)').matches;
