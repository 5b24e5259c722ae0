// The stage: one place where a photo arrives, is painted on, is seen changing, and is compared with what became of it.
const stage = find('.stage');
const board = find('.board');
const frame = find('.frame');
const before = find('.before');
const after = find('.after');
const canvas = find('canvas.mask');
const compare = find('.compare');
const chooser = find('input[type=file]');
const video = find('video');
const brushSize = find('.brush-size input');
const brushMark = find('.brush');
const paint = canvas.getContext('2d', {willReadFrequently: true});

// The page has a stage for each way to make a picture; each has a desk of its own, where what goes into it is gathered.
const texts = props.texts ?? {};
const own = ((studio.desks ??= {})[props.desk] ??= {});
for (const [selector, words] of Object.entries(texts)) { const found = find(selector); if (found) found.textContent = words; }

let photo = null;      // what the server knows the photo by: {file} or {work, role} or {job, role}
let shown = null;      // how the server described it: view, width, height, name, credit, notes
let kept = null;       // a mask from an earlier work or job, as long as nobody paints
let job = null;        // the job being followed
let work = null;       // the work that came of it
let arriving = null;   // a promise while a photo is on its way to the server
let stream = null;

// --- Modes: empty, reading, photo, painting, camera, running, done -----------------------------------------------------
const enter = (mode) => {
  stage.dataset.mode = mode;
  for (const tools of all('.tools')) tools.hidden = tools.dataset.for !== mode;
  canvas.tabIndex = mode === 'painting' ? 0 : -1;
  compare.tabIndex = mode === 'done' ? 0 : -1;
  if (mode !== 'painting') brushMark.style.display = 'none';
};
const mode = () => stage.dataset.mode;

const trouble = (sentence, again = false) => {
  const box = find('.trouble');
  box.hidden = !sentence;
  find('[data-do=retry]').hidden = !again;
  find('.sentence', box).textContent = sentence ?? '';
  if (sentence) box.scrollIntoView({block: 'nearest', behavior: calm() ? 'auto' : 'smooth'});
};

// On a phone the button is below the picture: what happens there is brought back into sight.
const bringIntoSight = () => {
  const box = board.getBoundingClientRect();
  if (box.top < 0 || box.top > window.innerHeight * 0.6) stage.scrollIntoView({block: 'start', behavior: calm() ? 'auto' : 'smooth'});
};

const tellNotes = (notes) => find('.notes').replaceChildren(...(notes ?? []).map((note) => make('li', {}, note)));
const tellWords = (words) => { find('.words').textContent = words ?? ''; };

const shape = (width, height) => {
  if (!width || !height) return;
  frame.style.setProperty('--ratio', width / height);
  const scale = Math.min(1, 1024 / Math.max(width, height));
  const wide = Math.max(1, Math.round(width * scale)), high = Math.max(1, Math.round(height * scale));
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
  }
};
before.addEventListener('load', () => { if (!shown) shape(before.naturalWidth, before.naturalHeight); });

// --- A photo arrives ---------------------------------------------------------------------------------------------------
const wipe = () => {
  paint.clearRect(0, 0, canvas.width, canvas.height);
  strokes.length = 0;
  painted = false;
  kept = null;
  stage.classList.remove('masked');
};

const settle = (offer, description, {quietly = false} = {}) => {
  const replaced = photo != null;
  photo = offer;
  shown = description;
  before.src = description.view;
  before.alt = description.title || description.name || 'The photo';
  shape(description.width, description.height);
  find('.size').textContent = `${description.width} × ${description.height}`;
  if (!quietly) {
    tellNotes(description.notes);
    tellWords('');
  }
  trigger('arrived', {title: description.title, author: description.author, licence: description.licence, replaced});
};

// Shows a picture at once, asks the server to read it, and keeps what stood here before if that fails.
const arrive = (offering, glimpse) => {
  const earlier = {photo, shown, mode: mode(), src: before.getAttribute('src')};
  trouble(null);
  shown = null;
  if (glimpse) before.src = glimpse;
  enter('reading');
  arriving = (async () => {
    try {
      const offer = await offering;
      const description = await asked(server.look({picture: offer, role: 'photo'}));
      wipe();
      settle(offer, description);
      enter('photo');
      return true;
    } catch (error) {
      shown = earlier.shown;
      photo = earlier.photo;
      if (earlier.src) before.src = earlier.src;
      else before.removeAttribute('src');
      if (shown) shape(shown.width, shown.height);
      enter(photo ? (earlier.mode === 'done' ? 'done' : 'photo') : 'empty');
      trouble(error.message);
      return false;
    } finally {
      if (glimpse) URL.revokeObjectURL(glimpse);
      arriving = null;
    }
  })();
  return arriving;
};

const take = (file) => {
  if (!file) return;
  if (mode() === 'running') return trouble('The studio is at work on this one; stop it first, or wait until it is done.');
  arrive(offered(file), URL.createObjectURL(file));
};

chooser.addEventListener('change', () => { take(chooser.files[0]); chooser.value = ''; });

let hovering = 0;
stage.addEventListener('dragenter', (event) => { event.preventDefault(); hovering += 1; stage.classList.add('over'); });
stage.addEventListener('dragleave', () => { hovering -= 1; if (hovering <= 0) stage.classList.remove('over'); });
stage.addEventListener('dragover', (event) => event.preventDefault());
stage.addEventListener('drop', (event) => {
  event.preventDefault();
  hovering = 0;
  stage.classList.remove('over');
  const file = event.dataTransfer?.files?.[0];
  if (file) take(file);
});
document.addEventListener('paste', (event) => {
  if (!inSight() || event.target.closest?.('input, textarea')) return;
  const [file] = picturesOf(event.clipboardData);
  if (file) { event.preventDefault(); take(file); }
});

const paste = async () => {
  try {
    for (const item of await navigator.clipboard.read()) {
      const type = item.types.find((each) => each.startsWith('image/'));
      if (type) return take(new File([await item.getType(type)], `pasted.${type.split('/')[1]}`, {type}));
    }
    trouble('There is no picture on the clipboard; copy one first.');
  } catch {
    trouble('The browser does not let the page read the clipboard; press Ctrl+V (or ⌘V) instead.');
  }
};

const openCamera = async () => {
  trouble(null);
  try {
    stream = await navigator.mediaDevices.getUserMedia({video: {width: {ideal: 1920}, height: {ideal: 1440}}});
  } catch {
    return trouble('There is no camera here that the page may use; allow it in the browser, or choose a photo.');
  }
  video.srcObject = stream;
  await video.play();
  enter('camera');
};
const closeCamera = () => {
  stream?.getTracks().forEach((track) => track.stop());
  stream = video.srcObject = null;
  if (mode() === 'camera') enter(photo ? 'photo' : 'empty');
};
const shoot = () => {
  const still = make('canvas', {width: video.videoWidth, height: video.videoHeight});
  still.getContext('2d').drawImage(video, 0, 0);
  closeCamera();
  still.toBlob((blob) => take(new File([blob], 'camera.jpg', {type: 'image/jpeg'})), 'image/jpeg', 0.95);
};

// --- The mask: painted at no more than 1024 px whatever the photo's size; its alpha is the mask --------------------------
let painted = false;
let erasing = false;
let last = null;
const strokes = [];
const pen = {x: 0.5, y: 0.5};

const radius = () => (brushSize.value / 100) * Math.max(canvas.width, canvas.height) / 2;
const stamp = (x, y) => {
  const context = paint;
  const reach = radius();
  const soft = context.createRadialGradient(x, y, reach * 0.55, x, y, reach);
  soft.addColorStop(0, 'rgb(240 179 106 / 1)');
  soft.addColorStop(1, 'rgb(240 179 106 / 0)');
  context.globalCompositeOperation = erasing ? 'destination-out' : 'source-over';
  context.fillStyle = soft;
  context.fillRect(x - reach, y - reach, 2 * reach, 2 * reach);
};
const strokeTo = (x, y) => {
  const from = last ?? {x, y};
  const apart = Math.hypot(x - from.x, y - from.y);
  const count = Math.max(1, Math.ceil(apart / Math.max(1, radius() / 4)));
  for (let i = 1; i <= count; i += 1) stamp(from.x + ((x - from.x) * i) / count, from.y + ((y - from.y) * i) / count);
  last = {x, y};
  painted = true;
  kept = null;
};
const remember = () => {
  strokes.push(paint.getImageData(0, 0, canvas.width, canvas.height));
  if (strokes.length > 16) strokes.shift();
};
const place = (event) => {
  const box = canvas.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
};
const markBrush = (x, y) => {
  const scale = canvas.clientWidth / canvas.width;
  const across = 2 * radius() * scale;
  Object.assign(brushMark.style, {display: 'block', width: `${across}px`, height: `${across}px`, left: `${x * scale}px`, top: `${y * scale}px`});
};
canvas.addEventListener('pointerdown', (event) => {
  if (mode() !== 'painting' || event.button > 0) return;
  event.preventDefault();
  canvas.setPointerCapture(event.pointerId);
  remember();
  last = null;
  strokeTo(...place(event));
});
canvas.addEventListener('pointermove', (event) => {
  if (mode() !== 'painting') return;
  markBrush(...place(event));
  if (last && event.buttons) for (const each of event.getCoalescedEvents?.() ?? [event]) strokeTo(...place(each));
});
for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, () => { last = null; });
canvas.addEventListener('pointerleave', () => { if (!last) brushMark.style.display = 'none'; });
canvas.addEventListener('keydown', (event) => {
  const steps = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
  if (!steps && event.key !== ' ' && event.key !== 'Enter') return;
  event.preventDefault();
  const reach = radius() / Math.max(canvas.width, canvas.height);
  if (steps) {
    pen.x = Math.min(1, Math.max(0, pen.x + steps[0] * reach));
    pen.y = Math.min(1, Math.max(0, pen.y + steps[1] * reach));
  } else {
    remember();
    last = null;
    strokeTo(pen.x * canvas.width, pen.y * canvas.height);
    last = null;
  }
  markBrush(pen.x * canvas.width, pen.y * canvas.height);
});

const undo = () => { const back = strokes.pop(); if (back) paint.putImageData(back, 0, 0); };
const invert = () => {
  remember();
  const context = paint;
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < pixels.data.length; i += 4) {
    pixels.data[i] = 240; pixels.data[i + 1] = 179; pixels.data[i + 2] = 106;
    pixels.data[i + 3] = 255 - pixels.data[i + 3];
  }
  context.putImageData(pixels, 0, 0);
  painted = true;
};
const hasMask = () => {
  if (!painted) return false;
  const {data} = paint.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 3; i < data.length; i += 4) if (data[i] > 8) return true;
  return false;
};
const endPainting = () => {
  if (!hasMask() && !kept) wipe();
  stage.classList.toggle('masked', painted || kept != null);
  if (mode() === 'painting') enter('photo');
};
const maskFile = () => {
  const grey = make('canvas', {width: canvas.width, height: canvas.height});
  const context = grey.getContext('2d');
  context.drawImage(canvas, 0, 0);
  context.globalCompositeOperation = 'source-in';
  context.fillStyle = '#fff';
  context.fillRect(0, 0, grey.width, grey.height);
  context.globalCompositeOperation = 'destination-over';
  context.fillStyle = '#000';
  context.fillRect(0, 0, grey.width, grey.height);
  return new Promise((done) => grey.toBlob((blob) => done(new File([blob], 'mask.png', {type: 'image/png'})), 'image/png'));
};

// Draws a mask from an earlier work: light becomes opaque.
const drawMask = async (offer) => {
  const description = await asked(server.look({picture: offer, role: 'mask'}));
  const image = new Image();
  image.src = description.view;
  await image.decode();
  const context = paint;
  context.globalCompositeOperation = 'source-over';
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < pixels.data.length; i += 4) {
    pixels.data[i + 3] = pixels.data[i];
    pixels.data[i] = 240; pixels.data[i + 1] = 179; pixels.data[i + 2] = 106;
  }
  context.putImageData(pixels, 0, 0);
  kept = offer;
  stage.classList.add('masked');
};

// What the Dream button sends along: the photo, the mask, the guide. Waits for whatever is still on its way.
own.collect = async () => {
  trouble(null);
  if (arriving) await arriving;
  if (mode() === 'painting') endPainting();
  const desk = {photo, mask: null, guide: null};
  try {
    if (hasMask()) desk.mask = await offered(await maskFile());
    else if (kept) desk.mask = kept;
    desk.guide = (await own.guide?.()) ?? null;
    Object.assign(desk, (await own.more?.()) ?? {});
  } catch (error) {
    desk.trouble = error.message;
  }
  return desk;
};

// --- A job is followed ---------------------------------------------------------------------------------------------------
const minutes = (seconds) => {
  if (seconds == null) return '';
  if (seconds < 1.5) return 'a moment left';
  if (seconds < 90) return `about ${Math.round(seconds)} s left`;
  return `about ${Math.round(seconds / 60)} min left`;
};

const follow = (told) => {
  job = told.id;
  if (mode() !== 'running') { trouble(null); tellWords(''); after.removeAttribute('src'); stage.classList.remove('previewed'); enter('running'); bringIntoSight(); }
  if (told.ratio && !shown) shape(1000 * told.ratio, 1000);
  const waiting = told.state === 'waiting';
  const share = told.total ? told.done / told.total : 0;
  find('.bar').classList.toggle('waiting', waiting || !told.total);
  find('.bar').setAttribute('aria-valuenow', Math.round(100 * share));
  find('.bar span').style.width = `${100 * share}%`;
  const queue = told.position ? `${told.position} before this one` : 'next in line';
  const parts = waiting
    ? ['Waiting', queue]
    : [told.stage ? told.stage[0].toUpperCase() + told.stage.slice(1) : 'Getting ready', told.total && `step ${told.done} of ${told.total}`, minutes(told.seconds_left)];
  find('.told').textContent = parts.filter(Boolean).join(' · ');
  find('.bar').setAttribute('aria-valuetext', find('.told').textContent);
  if (told.preview && after.src !== told.preview) {
    after.src = told.preview;
    stage.classList.add('previewed');
    stage.dataset.previews = Number(stage.dataset.previews ?? 0) + 1;
  }
};

const finish = async (told) => {
  work = told.work;
  const image = new Image();
  image.src = work.view;
  try { await image.decode(); } catch { /* the thumbnail of the preview stays */ }
  after.src = work.view;
  after.alt = work.title;
  const download = find('[data-link=download]');
  download.href = `${work.file}?download=true`;
  download.setAttribute('download', work.name);
  find('[data-link=work]').href = `?work=${work.id}`;
  find('[data-link=file]').href = work.file;
  tellWords(told.was_there ? `The gallery has this one already; choose another seed for a new one. ${work.words}` : work.words);
  tellNotes([]);
  enter('done');
  sweep();
  studio.galleryChanged?.();
};

const back = (sentence, again) => {
  job = null;
  enter(photo ? 'photo' : 'empty');
  if (shown) tellNotes(shown.notes);
  if (sentence) trouble(sentence, again && photo);
};

// --- Before and after -------------------------------------------------------------------------------------------------------
const slide = (value) => frame.style.setProperty('--cut', `${value}%`);
compare.addEventListener('input', () => slide(compare.value));
const sweep = () => {
  const rest = 50;
  compare.value = rest;
  if (calm()) return slide(rest);
  const start = performance.now();
  const move = (now) => {
    const done = Math.min(1, (now - start) / 1100);
    const eased = 1 - (1 - done) ** 3;
    if (mode() !== 'done' || Number(compare.value) !== rest) return;
    slide(100 + (rest - 100) * eased);
    if (done < 1) requestAnimationFrame(move);
  };
  requestAnimationFrame(move);
};

// --- What the server says ---------------------------------------------------------------------------------------------------
let restored = false;
const restore = async (told) => {
  // A job or work found again: its photo, mask and guide come back to the desk without a word.
  try {
    const source = first(told.photo);
    settle(source, await asked(server.look({picture: source, role: 'photo'})), {quietly: true});
    wipe();
    if (told.mask) await drawMask(first(told.mask));
    if (told.guide) await own.offerGuide?.(first(told.guide));
    await own.offerMore?.(told);
  } catch { /* the source is gone: the preview and the result still show */ }
};

const hear = async () => {
  let told = props.value;
  if (!told) return;
  if (told.state === 'refused') return trouble(told.message);
  if (told.state === 'offer') {
    if (await arrive(Promise.resolve(first(told.photo)))) {
      if (told.mask) await drawMask(first(told.mask)).catch((error) => trouble(error.message));
      own.offerGuide?.(first(told.guide));
      own.offerMore?.(told);
    }
    return;
  }
  if (told.found && !restored) {
    restored = true;
    await restore(told.found);
    told = props.value;
  }
  if (told.state === 'waiting' || told.state === 'running') return follow(told);
  if (told.state === 'made' && told.work) return finish(told);
  if (told.state === 'cancelled') { back(null); return tellNotes(['Stopped. The settings and the photo are as they were.']); }
  if (told.state === 'failed') return back(told.message || 'This picture could not be made.');
  if (told.state === 'interrupted') return back(told.message || 'This picture was not finished.', true);
};
watch('value', hear);

// --- Buttons --------------------------------------------------------------------------------------------------------------------
const deeds = {
  choose: () => chooser.click(),
  paste,
  camera: openCamera,
  uncamera: closeCamera,
  shoot,
  paint_mask: () => { enter('painting'); canvas.focus({preventScroll: true}); },
  painted: endPainting,
  erase: (button) => { erasing = !erasing; button.setAttribute('aria-pressed', erasing); },
  undo,
  invert,
  wipe: () => { remember(); const kept_strokes = strokes.slice(); wipe(); strokes.push(...kept_strokes); },
  clear: () => { photo = shown = null; wipe(); before.removeAttribute('src'); tellNotes([]); tellWords(''); trouble(null); enter('empty'); },
  stop: async (button) => {
    if (!job) return;
    button.disabled = true;
    find('.told').textContent = 'Stopping …';
    try { await asked(server.stop(job)); } catch (error) { trouble(error.message); }
    button.disabled = false;
  },
  next: () => arrive(Promise.resolve({work: work.id})),
  back: () => { tellWords(''); if (photo) { enter('photo'); tellNotes(shown?.notes); } else enter('empty'); },
  retry: () => document.querySelector(`#${props.button}`).click(),
  dismiss: () => trouble(null),
};
stage.addEventListener('click', (event) => {
  const button = event.target.closest('[data-do]');
  if (button) return deeds[button.dataset.do](button);
  const link = event.target.closest('[data-link=work]');
  if (link && !event.ctrlKey && !event.metaKey) { event.preventDefault(); trigger('open_work', {id: work.id}); }
});
if (!navigator.mediaDevices?.getUserMedia) find('[data-do=camera]').hidden = true;
if (!navigator.clipboard?.read) find('[data-do=paste]').hidden = true;

enter('empty');
hear();
setTimeout(() => trigger('ready', {}), 200);   // what the browser remembers is there a moment later
