// A line drawn by hand, one point a bar, kept as the recipe writes it: ["1:D4", "5:A5"].
const canvas = find('canvas');
const told = find('.told');
find('.info').textContent = props.info;
const [LOW, HIGH] = [55, 86];
const NAMES = ['C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'Ab', 'A', 'Bb', 'B'];
const name = (pitch) => `${NAMES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;
const BASES = {C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11};
const pitchOf = (text) => {
  const found = /^([A-Ga-g])([#b]*)(-?\d+)$/.exec(text.trim());
  if (!found) return null;
  const bend = [...found[2]].reduce((sum, sign) => sum + (sign === '#' ? 1 : -1), 0);
  return BASES[found[1].toUpperCase()] + bend + 12 * (Number(found[3]) + 1);
};
let points = new Map();
let at = 1;
const bars = () => Math.max(2, Number(document.querySelector('.bars-dial input[type=number]')?.value) || 16);

const read = () => {
  points = new Map();
  for (const each of props.value ?? []) {
    const [bar, pitch] = String(each).split(':');
    const number = pitchOf(pitch ?? '');
    if (number != null && Number(bar) >= 1) points.set(Number(bar), number);
  }
  draw();
};
const write = () => {
  props.value = [...points].sort((a, b) => a[0] - b[0]).map(([bar, pitch]) => `${bar}:${name(pitch)}`);
  draw();
};
const draw = () => {
  const ratio = window.devicePixelRatio || 1;
  const [wide, high] = [canvas.clientWidth || 300, canvas.clientHeight || 110];
  canvas.width = wide * ratio;
  canvas.height = high * ratio;
  const pen = canvas.getContext('2d');
  pen.scale(ratio, ratio);
  const count = bars();
  const x = (bar) => ((bar - 0.5) / count) * wide;
  const y = (pitch) => high - 8 - ((pitch - LOW) / (HIGH - LOW)) * (high - 16);
  pen.strokeStyle = '#34343b';
  for (let bar = 1; bar < count; bar += 1) { pen.globalAlpha = bar % 4 ? 0.5 : 1; pen.beginPath(); pen.moveTo((bar / count) * wide, 0); pen.lineTo((bar / count) * wide, high); pen.stroke(); }
  pen.globalAlpha = 1;
  pen.fillStyle = '#b0aca3';
  pen.font = '11px sans-serif';
  for (const pitch of [60, 72, 84]) pen.fillText(name(pitch), 4, y(pitch) + 4);
  const line = [...points].filter(([bar]) => bar <= count).sort((a, b) => a[0] - b[0]);
  pen.strokeStyle = pen.fillStyle = '#f0b36a';
  pen.lineWidth = 2;
  pen.beginPath();
  line.forEach(([bar, pitch], place) => (place ? pen.lineTo(x(bar), y(pitch)) : pen.moveTo(x(bar), y(pitch))));
  pen.stroke();
  for (const [bar, pitch] of line) { pen.beginPath(); pen.arc(x(bar), y(pitch), bar === at && document.activeElement === canvas ? 5 : 3, 0, 7); pen.fill(); }
  told.textContent = line.length ? line.map(([bar, pitch]) => `bar ${bar} ${name(pitch)}`).join(', ') : 'No line drawn.';
};
const put = (event) => {
  const box = canvas.getBoundingClientRect();
  const bar = Math.min(bars(), Math.max(1, Math.ceil(((event.clientX - box.left) / box.width) * bars())));
  const share = 1 - (event.clientY - box.top - 8) / (box.height - 16);
  points.set(bar, Math.round(LOW + Math.min(1, Math.max(0, share)) * (HIGH - LOW)));
  at = bar;
  draw();
};
canvas.addEventListener('pointerdown', (event) => { canvas.setPointerCapture(event.pointerId); put(event); });
canvas.addEventListener('pointermove', (event) => { if (event.buttons) put(event); });
canvas.addEventListener('pointerup', write);
canvas.addEventListener('keydown', (event) => {
  const [along, up] = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}[event.key] ?? [];
  if (event.key === 'Delete' || event.key === 'Backspace') { points.delete(at); event.preventDefault(); return write(); }
  if (along === undefined) return;
  event.preventDefault();
  at = Math.min(bars(), Math.max(1, at + along));
  if (up) { points.set(at, Math.min(HIGH, Math.max(LOW, (points.get(at) ?? 69) + up))); write(); } else draw();
  told.textContent = `bar ${at}${points.has(at) ? ` ${name(points.get(at))}` : ', no point'}`;
});
for (const change of ['focus', 'blur']) canvas.addEventListener(change, draw);
find('[data-do=wipe]').addEventListener('click', () => { points.clear(); write(); });
new ResizeObserver(draw).observe(canvas);
document.addEventListener('change', (event) => { if (event.target.closest?.('.bars-dial')) draw(); });
let current = props.value;
watch('value', () => {
  if (props.value === 'as it is') { props.value = current; return; }
  current = props.value;
  read();
});
read();
