// Each kind of mark as SVG: see `studio.lessons.kit.scene` for what each has.

import { heatUrl } from './heat.js';
import { fitting, html, n } from './text.js';

/** @import { Mark, Plot } from './types' */

/** @param {string} name */
const colour = (name) => (/^#|^rgb/.test(name) ? name : `var(--ink-${name}, currentColor)`);

/** A field that is the same for all points, or has one value for each. @param {any} of @param {number} i */
const pick = (of, i) => (Array.isArray(of) ? of[i] : of);

const RIM = 'stroke="var(--ground)" stroke-width="1.2"';
const STALK = 'stroke="var(--ink-ink)" stroke-width="1.6" fill="none"';
const SPECKS = [[-3, -3], [2, -1], [-1, 4]]
  .map(([x, y]) => `<circle cx="${x}" cy="${y}" r=".9" fill="var(--ground)" opacity=".5"/>`).join('');

/**
 * A fruit, drawn about 20 units wide and set to its size.
 *
 * @param {number} x
 * @param {number} y
 * @param {number} s
 * @param {string} inside
 */
const fruit = (x, y, s, inside) =>
  `<g transform="translate(${n(x)} ${n(y)}) scale(${s / 10})">${inside}</g>`;

/** @type {Record<string, (x: number, y: number, size: number, colour: string) => string>} */
const SHAPES = {
  circle: (x, y, s, c) => `<circle cx="${n(x)}" cy="${n(y)}" r="${s}" fill="${c}" ${RIM}/>`,
  ring: (x, y, s, c) =>
    `<circle cx="${n(x)}" cy="${n(y)}" r="${s}" fill="none" stroke="${c}" stroke-width="2.2"/>`,
  square: (x, y, s, c) =>
    `<rect x="${n(x - s)}" y="${n(y - s)}" width="${2 * s}" height="${2 * s}" rx="1.5" fill="${c}" ${RIM}/>`,
  cross: (x, y, s, c) => {
    const path = `M${n(x - s)} ${n(y - s)}l${2 * s} ${2 * s}m0 ${-2 * s}l${-2 * s} ${2 * s}`;
    return `<path d="${path}" stroke="${c}" stroke-width="2.6" fill="none"/>`;
  },
  apple: (x, y, s, c) => {
    const body = 'M0-6C-4-10-11-8-11 0c0 6 5 11 8 11 1.5 0 2-.8 3-.8s1.5.8 3 .8c3 0 8-5 8-11 0-8-7-10-11-6z';
    const leaf = '<path d="M2-11c2-3 6-3 7-2-1 3-5 4-7 2z" fill="var(--ink-three)"/>';
    return fruit(x, y, s, `<path d="${body}" fill="${c}" ${RIM}/><path d="M0-6C0-9 1-12 3-13" ${STALK}/>${leaf}`);
  },
  orange: (x, y, s, c) => {
    const leaf = '<path d="M0-10.5l-2.5-2h5z" fill="var(--ink-three)"/>';
    return fruit(x, y, s, `<circle r="10.5" fill="${c}" ${RIM}/>${SPECKS}${leaf}`);
  },
};

/** @type {Map<string, string>} by name: large pictures that are sent once */
const keptPictures = new Map();

/**
 * An image that fills an extent of the figure.
 *
 * @param {Mark} m
 * @param {Plot} f
 * @param {string} url
 */
function image(m, f, url) {
  const [x0, x1, y0, y1] = m.extent;
  const [width, height] = [n(f.X(x1) - f.X(x0)), n(f.Y(y0) - f.Y(y1))];
  const place = `x="${n(f.X(x0))}" y="${n(f.Y(y1))}" width="${width}" height="${height}"`;
  const style = `style="image-rendering:${m.pixelated ? 'pixelated' : 'auto'}"`;
  const title = m.text ? `<title>${html(m.text)}</title>` : '';
  return `<image href="${url}" ${place} preserveAspectRatio="none" ${style}>${title}</image>`;
}

/** @type {Record<string, (mark: Mark, plot: Plot, nodes: Record<string, Mark>) => string>} */
export const MARKS = { points, line, bars, heat, picture, words, arrow, node, link, button, entry: () => '' };

/** @param {Mark} m @param {Plot} f */
function points(m, f) {
  return m.x.map((/** @type {number} */ x, /** @type {number} */ i) => {
    const body = SHAPES[pick(m.shape, i)](f.X(x), f.Y(m.y[i]), m.size, colour(pick(m.colour, i)));
    const label = m.label[i] ? `<title>${html(m.label[i])}</title>` : '';
    return `<g class="dot"${m.drag ? ` data-drag="${i}" tabindex="0"` : ''}>${label}${body}</g>`;
  }).join('');
}

/** @param {Mark} m @param {Plot} f */
function line(m, f) {
  if (!m.x.length) return '';
  const c = colour(m.colour);
  const path = m.x.map((/** @type {number} */ x, /** @type {number} */ i) =>
    `${i ? 'L' : 'M'}${n(f.X(x))} ${n(f.Y(m.y[i]))}`).join('');
  const [x0, x1] = [f.X(m.x[0]), f.X(m.x.at(-1))];
  const ground = `L${n(x1)} ${n(f.Y(0))}L${n(x0)} ${n(f.Y(0))}Z`;
  const shade = m.fill ? `<path d="${path}${ground}" fill="${c}" opacity=".18"/>` : '';
  const stroke = `stroke="${c}" stroke-width="${m.width}" stroke-linejoin="round"`;
  return `${shade}<path d="${path}" fill="none" ${stroke}${m.dash ? ' stroke-dasharray="6 5"' : ''}/>`;
}

/** What a line is called, at its end; drawn after all marks, which would hide it. @param {Mark} m @param {Plot} f */
export function nameOf(m, f) {
  if (m.mark !== 'line' || !m.name || !m.x.length) return '';
  const place = `x="${n(f.X(m.x.at(-1)) - 4)}" y="${n(f.Y(m.y.at(-1)) - 7)}" text-anchor="end"`;
  return `<text class="over" ${place} fill="${colour(m.colour)}" font-size="13">${html(m.name)}</text>`;
}

/** @param {Mark} m @param {Plot} f */
function bars(m, f) {
  const apart = m.x.length > 1 ? Math.abs(f.X(m.x[1]) - f.X(m.x[0])) : f.w;
  const longest = m.label.reduce((/** @type {string} */ found, /** @type {string} */ each) =>
    (each && each.length > found.length ? each : found), '');
  return m.x.map((/** @type {number} */ x, /** @type {number} */ i) => {
    const [left, right] = [f.X(x - m.width / 2), f.X(x + m.width / 2)];
    const [y, ground] = [f.Y(m.y[i]), f.Y(0)];
    const place = `x="${n((left + right) / 2)}" y="${n(f.top + f.h + 16)}" text-anchor="middle"`;
    const size = fitting(longest, apart - 2, 12.5);
    const text = m.label[i]
      ? `<text ${place} fill="var(--ink-ink)" font-size="${size}">${html(m.label[i])}</text>` : '';
    const [width, height] = [n(right - left), n(Math.max(Math.abs(ground - y), 0.5))];
    const box = `x="${n(left)}" y="${n(Math.min(y, ground))}" width="${width}" height="${height}"`;
    return `<rect ${box} rx="2" fill="${colour(pick(m.colour, i))}"/>${text}`;
  }).join('');
}

/** @param {Mark} m @param {Plot} f */
function heat(m, f) {
  return image(m, f, heatUrl(m.values, m.steps, m.scale));
}

/** @param {Mark} m @param {Plot} f */
function picture(m, f) {
  if (m.name && m.url) keptPictures.set(m.name, m.url);
  return image(m, f, m.url || keptPictures.get(m.name) || '');
}

/** @param {Mark} m @param {Plot} f */
function words(m, f) {
  return m.x.map((/** @type {number} */ x, /** @type {number} */ i) => {
    const place = `x="${n(f.X(x))}" y="${n(f.Y(m.y[i]))}" text-anchor="${m.anchor}" dominant-baseline="middle"`;
    const ink = `fill="${colour(pick(m.colour, i))}" font-size="${m.size}"`;
    return `<text ${place} ${ink}>${html(m.text[i])}</text>`;
  }).join('');
}

/** @param {Mark} m @param {Plot} f */
function arrow(m, f) {
  const [x0, y0, x1, y1] = [f.X(m.start[0]), f.Y(m.start[1]), f.X(m.end[0]), f.Y(m.end[1])];
  const length = Math.hypot(x1 - x0, y1 - y0);
  if (length < 1) return '';
  const [ux, uy, head] = [(x1 - x0) / length, (y1 - y0) / length, Math.min(9, length / 2)];
  const one = `${n(x1 - head * ux + head * 0.5 * uy)} ${n(y1 - head * uy - head * 0.5 * ux)}`;
  const other = `${n(x1 - head * ux - head * 0.5 * uy)} ${n(y1 - head * uy + head * 0.5 * ux)}`;
  const tip = `${n(x1)} ${n(y1)}`;
  const path = `M${n(x0)} ${n(y0)}L${tip}M${one}L${tip}L${other}`;
  const stroke = `stroke="${colour(m.colour)}" stroke-width="${m.width}" stroke-linecap="round"`;
  return `<path d="${path}" fill="none" ${stroke} stroke-linejoin="round"/>`;
}

/** @param {Mark} m @param {Plot} f */
function node(m, f) {
  const [x, y, s] = [f.X(m.x), f.Y(m.y), m.size];
  const square = `x="${n(x - s)}" y="${n(y - s)}" width="${2 * s}" height="${2 * s}"`;
  const inside = m.heat
    ? `<image href="${heatUrl(m.heat, false, 'diverging')}" ${square} preserveAspectRatio="none"/>` : '';
  const [rim, wide] = m.chosen ? ['var(--ink-accent)', 2.6] : ['var(--ink-faint)', 1];
  const place = `x="${n(x - s - 6)}" y="${n(y)}" text-anchor="end" dominant-baseline="middle"`;
  const name = m.text ? `<text ${place} fill="var(--ink-ink)" font-size="12.5">${html(m.text)}</text>` : '';
  const label = `aria-label="${html(m.text ? `neuron ${m.text}` : m.id)}"`;
  return `<g class="node${m.dim ? ' dim' : ''}" data-node="${html(m.id)}" tabindex="0" role="button" ${label}>
    <rect ${square} rx="4" fill="var(--ground-2)"/>${inside}
    <rect ${square} rx="4" fill="none" stroke="${rim}" stroke-width="${wide}"/>${name}</g>${bias(m, x, y)}`;
}

/** The bias of a node, at its lower left, beside the node and not in it: one button holds no other. @param {Mark} m @param {number} x @param {number} y */
function bias(m, x, y) {
  if (m.bias == null) return '';
  const corner = [x - m.size, y + m.size];
  const box = (/** @type {number} */ dx, /** @type {number} */ dy, /** @type {number} */ side) =>
    `x="${n(corner[0] + dx)}" y="${n(corner[1] + dy)}" width="${side}" height="${side}"`;
  const strength = n(Math.min(1, 0.25 + Math.abs(m.bias)));
  const label = `aria-label="bias of ${html(m.id)}, ${m.bias.toFixed(2)}"`;
  return `<g class="link${m.dim ? ' dim' : ''}" data-link="${html(m.id)}:bias" tabindex="-1" role="button" ${label}>
    <title>bias ${m.bias.toFixed(3)}</title><rect ${box(-11, -9, 14)} fill="transparent"/>
    <rect ${box(-7, -5, 6)} fill="${colour(m.bias > 0 ? 'one' : 'two')}" opacity="${strength}"/></g>`;
}

/** @param {Mark} m @param {Plot} f @param {Record<string, Mark>} nodes */
function link(m, f, nodes) {
  const [a, b] = [nodes[m.start], nodes[m.end]];
  if (!a || !b) return '';
  const [x0, y0, x1, y1] = [f.X(a.x) + a.size, f.Y(a.y), f.X(b.x) - b.size, f.Y(b.y)];
  const bend = (x1 - x0) / 2;
  const path = `M${n(x0)} ${n(y0)}C${n(x0 + bend)} ${n(y0)} ${n(x1 - bend)} ${n(y1)} ${n(x1)} ${n(y1)}`;
  const ink = m.chosen ? 'var(--ink-accent)' : colour(m.weight >= 0 ? 'one' : 'two');
  const width = n(Math.min(9, 0.6 + Math.abs(m.weight) * 1.8));
  const opacity = m.chosen ? 1 : n(Math.min(0.95, 0.3 + Math.abs(m.weight) / 2));
  const label = `aria-label="weight from ${html(m.start)} to ${html(m.end)}, ${m.weight.toFixed(2)}"`;
  const operated = `tabindex="${m.id === f.firstLink ? 0 : -1}" role="button" ${label}`;
  return `<g class="link${m.dim ? ' dim' : ''}" data-link="${html(m.id)}" ${operated}>
    <title>weight ${m.weight.toFixed(3)}</title>
    <path d="${path}" fill="none" stroke="transparent" stroke-width="11"/>
    <path d="${path}" fill="none" stroke="${ink}" stroke-width="${width}" opacity="${opacity}"/></g>`;
}

/** A finger reaches a button that far from its middle at least, in pixels. */
const REACH = 12;

/** @param {Mark} m @param {Plot} f */
function button(m, f) {
  const classes = `press${m.dim ? ' off' : ''}${m.chosen ? ' chosen' : ''}`;
  const operated = `tabindex="${m.dim ? -1 : 0}" role="button" aria-disabled="${m.dim}"`;
  const fill = m.colour ? ` style="fill:${colour(m.colour)}"` : '';
  const [x, y] = [n(f.X(m.x)), f.Y(m.y)];
  const place = `x="${x}" y="${n(y + 1)}" text-anchor="middle" dominant-baseline="middle"`;
  return `<g class="${classes}" data-press="${html(m.id)}" ${operated} aria-label="${html(m.help)}">
    <title>${html(m.help)}</title>
    <circle cx="${x}" cy="${n(y)}" r="${Math.max(m.size, REACH)}" style="fill:transparent;stroke:none"/>
    <circle cx="${x}" cy="${n(y)}" r="${m.size}"${fill}/>
    <text ${place} font-size="${n(m.size * 1.4)}">${html(m.text)}</text></g>`;
}
