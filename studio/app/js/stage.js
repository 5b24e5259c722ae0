// The stage: one place where a photo arrives, is painted on, is seen changing, and is compared with what became of
// it. Its modes: empty, reading, photo, painting, camera, running, sheet (several variations), done.

import { addressOfWork, go, onSettings } from './address.js';
import { Camera } from './camera.js';
import { Compare } from './compare.js';
import { bring, desk, opened, tell } from './desks.js';
import { all, around, capitalised, find, inSight, make, picturesOf, sentenceOf, smoothly } from './dom.js';
import { estimating } from './estimates.js';
import { Glimpse } from './glimpse.js';
import { press } from './gradio_page.js';
import { Mask } from './mask.js';
import { newJob, newWork, seen } from './news.js';
import { drawSamples, drawShow } from './opening.js';
import { asked, firstOf, listed, offered } from './server.js';
import { Sheet } from './sheet.js';
import { resultOf, Strip } from './strip.js';
import { timeLeft } from './times.js';

/** @import { Job, Offer, Shown, Widget } from './types' */

/** @import { Sample, Show } from './opening.js' */

/** @import { Look } from './desks.js' */

/** @import { Result } from './strip.js' */

/**
 * @typedef {Widget<{desk: string, button: string, texts?: Record<string, string>, show?: Show | null,
 *   samples?: Sample[]}>} StageWidget
 */

/** @param {StageWidget} widget */
export function open(widget) {
  const { element, props, trigger, watch } = widget;
  for (const [selector, words] of Object.entries(props.texts ?? {})) {
    const found = element.querySelector(selector);
    if (found) found.textContent = words;
  }
  if (!Camera.there()) find(element, '[data-do=camera]').hidden = true;
  if (!navigator.clipboard?.read) find(element, '[data-do=paste]').hidden = true;
  const stage = new Stage(widget);
  drawShow(stage.element, props.show);
  drawSamples(stage.element, props.samples ?? [], (sample) => stage.tryOut(sample));
  stage.enter('empty');
  watch('value', () => stage.hear());
  stage.hear();
  opened(props.desk, () => stage.collect());
  onSettings(props.desk, (settings) => trigger('linked', { settings }));
  // What the browser remembers is there a moment later; a work that was brought here goes before it.
  setTimeout(() => { if (props.value?.state !== 'offer') trigger('ready', {}); }, 200);
}

class Stage {
  /** @param {StageWidget} widget */
  constructor(widget) {
    const { element, props } = widget;
    this.widget = widget;
    this.desk = desk(props.desk);
    this.element = find(element, '.stage');
    this.before = find(element, '.before', HTMLImageElement);
    this.after = find(element, '.after', HTMLImageElement);
    this.chooser = find(element, 'input[type=file]', HTMLInputElement);
    this.camera = new Camera(find(element, 'video', HTMLVideoElement));
    this.compare = new Compare(find(element, '.frame'), () => this.mode === 'done' || this.glimpsed);
    this.mask = new Mask(this.element, () => this.mode === 'painting');
    this.mask.onPaint = () => { this.kept = null; };
    /** @type {Offer | null} what the server knows the photo by */
    this.photo = null;
    /** @type {Shown | null} how the server described it */
    this.shown = null;
    /** @type {Offer | null} a mask from an earlier work or job, as long as nobody paints */
    this.kept = null;
    /** @type {string | null} the job being followed */
    this.job = null;
    /** @type {Result | null} the result that is shown, or was last */
    this.result = null;
    this.strip = new Strip(find(element, '.strip'), props.desk, (result) => this.showResult(result));
    this.sheet = new Sheet(find(element, '.sheet'), (result) => this.strip.choose(result));
    /** @type {Promise<boolean> | null} while a photo is on its way to the server */
    this.arriving = null;
    this.restored = false;
    this.before.addEventListener('load', () => {
      if (!this.shown) this.shape(this.before.naturalWidth, this.before.naturalHeight);
    });
    this.deeds = this.buttons();
    this.listen();
    const estimate = estimating(props.desk, widget.server.expect, (dials) => ({
      values: dials?.map(([, value]) => value) ?? null,
      sources: this.sizes(),
    }));
    /** @type {Glimpse | null} only where paintings are made */
    const glimpse = !this.widget.server.glimpse ? null : new Glimpse(this.widget, {
      photo: (moving) => (this.mode === 'photo' || (this.mode === 'done' && moving) ? this.photo : null),
      palette: () => (this.desk.hasRegions?.() ? null : this.desk.palette?.() ?? null),
      show: (told) => this.glimpse(told),
      leave: () => { if (this.glimpsed) this.toPhoto(); },
    });
    this.desk.changed = () => { estimate(); glimpse?.ask(); };
    this.desk.moved = () => glimpse?.ask();
    this.desk.stop = () => this.stop();
    this.desk.peek = (look) => this.peek(look);
    this.desk.photo = () => this.photo;
    this.desk.photoView = () => this.shown?.view ?? '';
    this.desk.paintRegion = (asked) => this.paintRegion(asked);
    /** @type {(() => void) | null} ends the painting of a region, if one is painted */
    this.endRegion = null;
  }

  /** Role, width and height of what goes into the picture. @returns {[string, number, number][]} */
  sizes() {
    const { shown } = this;
    /** @type {[string, number, number][]} */
    const paintings = Array.from({ length: this.desk.paintings?.() ?? 0 }, () => ['style', 0, 0]);
    return shown ? [['photo', shown.width, shown.height], ...paintings] : paintings;
  }

  /** Whether a preview that was painted at once is on the stage. */
  get glimpsed() {
    return this.mode === 'photo' && this.element.classList.contains('glimpsed');
  }

  /** @param {{view: string, seconds: number, smaller: boolean, held: boolean}} told */
  glimpse({ view, seconds, smaller, held }) {
    if (!this.glimpsed) {
      this.showPhoto();
      this.enter('photo');
      this.element.classList.add('glimpsed');
      this.compare.slider.tabIndex = 0;
      find(this.element, '.tag-after').textContent = 'Preview';
      this.compare.slider.value = '0';
      this.compare.cut(0);
    }
    this.after.style.maskImage = this.mask.has() ? `url(${this.mask.canvas.toDataURL()})` : '';
    this.after.src = view;
    this.after.alt = 'A preview of the painting';
    const finer = smaller ? ' The work is larger.' : '';
    const taken = seconds < 0.95 ? seconds.toFixed(1) : Math.round(seconds);
    this.tellWords(held ? 'A small preview. Let go to see it finer.' : `A preview, painted at once in ${taken} s.${finer} Press Paint to make the work.`);
    this.element.dataset.held = String(held);
    this.element.dataset.glimpses = String(Number(this.element.dataset.glimpses ?? 0) + 1);
  }

  /** A look is shown for a moment, on another photo, or none any more. @param {Look | null} look */
  peek(look) {
    const figure = find(this.element, '.peek');
    figure.hidden = !look?.picture || !['empty', 'photo', 'done'].includes(this.mode);
    if (figure.hidden || !look) return;
    find(figure, 'img', HTMLImageElement).src = look.picture;
    find(figure, 'strong').textContent = look.label;
    find(figure, 'figcaption span').textContent = look.sentence;
  }

  get mode() {
    return this.element.dataset.mode ?? '';
  }

  /** @param {string} mode */
  enter(mode) {
    this.element.dataset.mode = mode;
    if (mode !== 'painting') this.element.classList.remove('glimpsed');
    this.after.style.maskImage = '';
    for (const tools of all(this.element, '.tools')) tools.hidden = tools.dataset.for !== mode;
    this.mask.canvas.tabIndex = mode === 'painting' ? 0 : -1;
    this.compare.slider.tabIndex = mode === 'done' ? 0 : -1;
    if (mode !== 'painting') this.mask.hideBrush();
  }

  /**
   * @param {string | null} sentence
   * @param {unknown} again whether the same can be asked for once more
   */
  complain(sentence, again = false) {
    const box = find(this.element, '.trouble');
    box.hidden = !sentence;
    find(box, '[data-do=retry]').hidden = !again;
    find(box, '.sentence').textContent = sentence ?? '';
    tell(this.widget.props.desk, { trouble: sentence });
    if (sentence) box.scrollIntoView({ block: 'nearest', behavior: smoothly() });
  }

  /** @param {string[]} [notes] */
  tellNotes(notes = []) {
    find(this.element, '.notes').replaceChildren(...notes.map((note) => make('li', {}, note)));
  }

  tellWords(words = '') {
    find(this.element, '.words').textContent = words;
  }

  /** @param {number} width @param {number} height */
  shape(width, height) {
    if (!width || !height) return;
    this.compare.frame.style.setProperty('--ratio', String(width / height));
    this.mask.shape(width, height);
  }

  // --- A photo arrives

  wipe() {
    this.mask.wipe();
    this.kept = null;
    this.element.classList.remove('masked');
  }

  /**
   * @param {Offer} offer
   * @param {Shown} shown
   * @param {number} since when it was chosen, in milliseconds: what was written of it since then stays
   */
  settle(offer, shown, since, { quietly = false } = {}) {
    const replaced = this.photo != null;
    this.photo = offer;
    this.shown = shown;
    this.before.src = shown.view;
    this.before.alt = shown.title || shown.name || 'The photo';
    this.shape(shown.width, shown.height);
    find(this.element, '.size').textContent = `${shown.width} × ${shown.height}`;
    if (!quietly) {
      this.tellNotes(shown.notes);
      this.tellWords();
    }
    const { title, author, licence } = shown;
    this.widget.trigger('arrived', { title, author, licence, replaced, since });
    this.desk.changed?.();
  }

  /** The photo is to be seen again, where another picture was compared. */
  showPhoto() {
    this.strip.leave();
    this.tag(false);
    this.element.classList.remove('glimpsed');
    if (!this.shown) return;
    this.before.src = this.shown.view;
    this.shape(this.shown.width, this.shown.height);
  }

  /** @param {boolean} letters whether two results are compared */
  tag(letters) {
    find(this.element, '.tag-before').textContent = letters ? 'A' : 'Before';
    find(this.element, '.tag-after').textContent = letters ? 'B' : 'After';
  }

  /** @param {Offer | null} picture @param {string} role @returns {Promise<Shown>} */
  look(picture, role) {
    return asked(this.widget.server.look({ picture, role }));
  }

  /**
   * Shows a picture at once, asks the server to read it, and keeps what was here before if that fails.
   *
   * @param {Promise<Offer>} offering
   * @param {string} [glimpse] an address of the picture
   * @returns {Promise<boolean>} whether it could be read
   */
  arrive(offering, glimpse) {
    const { photo, shown, mode } = this;
    const earlier = { photo, shown, mode, src: shown?.view ?? this.before.getAttribute('src'), at: performance.now() };
    this.complain(null);
    this.shown = null;
    if (glimpse) this.before.src = glimpse;
    this.enter('reading');
    this.arriving = this.read(offering, earlier).finally(() => {
      if (glimpse?.startsWith('blob:')) URL.revokeObjectURL(glimpse);
      this.arriving = null;
    });
    return this.arriving;
  }

  /**
   * @param {Promise<Offer>} offering
   * @param {{photo: Offer | null, shown: Shown | null, mode: string, src: string | null, at: number}} earlier at: when the photo was chosen
   */
  async read(offering, earlier) {
    try {
      const offer = await offering;
      const shown = await this.look(offer, 'photo');
      this.wipe();
      this.settle(offer, shown, earlier.at);
      this.desk.photoChanged?.();
      this.showPhoto();
      this.enter('photo');
      return true;
    } catch (error) {
      this.shown = earlier.shown;
      this.photo = earlier.photo;
      if (earlier.src) this.before.src = earlier.src;
      else this.before.removeAttribute('src');
      if (this.shown) this.shape(this.shown.width, this.shown.height);
      this.enter(this.photo ? (earlier.mode === 'done' ? 'done' : 'photo') : 'empty');
      this.complain(sentenceOf(error));
      return false;
    }
  }

  /** @param {File | undefined} file */
  take(file) {
    if (!file) return;
    if (this.mode === 'running' || this.sheet.busy) {
      this.complain('The studio is at work on this one; stop it first, or wait until it is done.');
      return;
    }
    this.arrive(offered(this.widget, file), URL.createObjectURL(file));
  }

  /** Makes something of a photo that came with the studio, at once. @param {Sample} sample */
  async tryOut({ name }) {
    const other = this.desk.fillUp?.();
    if (!await this.arrive(Promise.resolve({ sample: name }), `samples/${name}`)) return;
    await other;
    press(this.widget.props.button);
  }

  async paste() {
    try {
      for (const item of await navigator.clipboard.read()) {
        const type = item.types.find((each) => each.startsWith('image/'));
        if (!type) continue;
        this.take(new File([await item.getType(type)], `pasted.${type.split('/')[1]}`, { type }));
        return;
      }
      this.complain('There is no picture on the clipboard; copy one first.');
    } catch {
      this.complain('The browser does not let the page read the clipboard; press Ctrl+V (or ⌘V) instead.');
    }
  }

  async openCamera() {
    this.complain(null);
    try {
      await this.camera.open();
      this.enter('camera');
    } catch {
      this.complain('There is no camera here that the page may use; allow it in the browser, or choose a photo.');
    }
  }

  closeCamera() {
    this.camera.close();
    if (this.mode === 'camera') this.enter(this.photo ? 'photo' : 'empty');
  }

  async shoot() {
    const still = this.camera.shoot();
    this.closeCamera();
    this.take(await still);
  }

  // --- The mask

  /**
   * A region is painted in place of the mask, which comes back afterwards.
   *
   * @param {import('./desks.js').RegionToPaint} asked
   * @returns {string | null} why not
   */
  paintRegion({ name, pixels, offer, done }) {
    const { mask, kept, mode } = this;
    if (!this.photo) return 'Choose a photo first.';
    if (mode === 'running' || this.sheet.busy) return 'The studio is at work here; wait until it is done, or stop it.';
    if (mode === 'painting') this.endPainting();
    const hint = find(this.element, '.tools[data-for=painting] .hint');
    const before = { pixels: mask.pixels(), painted: mask.painted, undone: [...mask.undone], hint: hint.textContent };
    if (mode === 'done' || this.glimpsed) this.showPhoto();
    mask.wipe();
    if (pixels) mask.put(pixels);
    else if (offer) this.look(offer, 'region').then(({ view }) => this.drawLight(view)).catch((error) => this.complain(sentenceOf(error)));
    hint.textContent = `Paint where ${name} is.`;
    this.endRegion = () => {
      this.endRegion = null;
      const layer = mask.has() ? { pixels: mask.pixels(), view: mask.canvas.toDataURL(), file: mask.file() } : null;
      mask.wipe();
      mask.put(before.pixels);
      Object.assign(mask, { painted: before.painted, undone: before.undone });
      this.kept = kept;
      hint.textContent = before.hint;
      done(layer);
    };
    this.enter('painting');
    this.scrollHere();
    mask.canvas.focus({ preventScroll: true });
    return null;
  }

  endPainting() {
    this.endRegion?.();
    if (!this.mask.has() && !this.kept) this.wipe();
    this.element.classList.toggle('masked', this.mask.painted || this.kept != null);
    if (this.mode === 'painting') this.enter('photo');
  }

  /** Draws a mask from an earlier work. @param {Offer | null} offer */
  async drawMask(offer) {
    if (!offer) return;
    await this.drawLight((await this.look(offer, 'mask')).view);
    this.kept = offer;
    this.element.classList.add('masked');
  }

  /** Draws a mask: light becomes opaque. @param {string} view its address */
  async drawLight(view) {
    const image = new Image();
    image.src = view;
    await image.decode();
    this.mask.draw(image);
  }

  /** What the button sends along: the photo, the mask and the rest. Waits for what is still on its way. */
  async collect() {
    this.complain(null);
    if (this.arriving) await this.arriving;
    if (this.mode === 'painting') this.endPainting();
    /** @type {Record<string, any>} */
    const files = { photo: this.photo, mask: null };
    try {
      files.mask = this.mask.has() ? await offered(this.widget, await this.mask.file()) : this.kept;
      Object.assign(files, (await this.desk.guides?.()) ?? {}, (await this.desk.more?.()) ?? {}, (await this.desk.regions?.()) ?? {});
    } catch (error) {
      files.trouble = sentenceOf(error);
    }
    return files;
  }

  // --- A job is followed

  /** @param {Job} told */
  follow(told) {
    this.job = told.id;
    if (this.mode !== 'running') this.begin();
    if (told.ratio && !this.shown) this.shape(1000 * told.ratio, 1000);
    this.progress(told.total ? told.done / told.total : 0, told.state === 'waiting' || !told.total, progressInWords(told));
    if (told.preview && this.after.src !== told.preview) {
      this.after.src = told.preview;
      this.element.classList.add('previewed');
      this.element.dataset.previews = String(Number(this.element.dataset.previews ?? 0) + 1);
    }
  }

  /** @param {number} share @param {boolean} waiting @param {string} words */
  progress(share, waiting, words) {
    const bar = find(this.element, '.bar');
    bar.classList.toggle('waiting', waiting);
    bar.setAttribute('aria-valuenow', String(Math.round(100 * share)));
    bar.setAttribute('aria-valuetext', words);
    find(bar, 'span').style.width = `${100 * share}%`;
    find(this.element, '.told').textContent = words;
    tell(this.widget.props.desk, { underway: { share, waiting, words } });
  }

  begin() {
    this.complain(null);
    this.showPhoto();
    this.tellWords();
    this.after.removeAttribute('src');
    this.element.classList.remove('previewed');
    this.enter('running');
    this.scrollHere();
  }

  scrollHere() {
    // On a phone the button is below the picture: what happens there is brought back into sight.
    const box = find(this.element, '.board').getBoundingClientRect();
    const seen = box.top >= 0 && box.top <= window.innerHeight * 0.6;
    if (!seen) this.element.scrollIntoView({ block: 'start', behavior: smoothly() });
  }

  /**
   * @param {Result} result
   * @param {boolean} wasThere whether the gallery had it already
   */
  async finish(result, wasThere) {
    const image = new Image();
    image.src = result.view;
    try { await image.decode(); } catch { /* the last preview stays */ }
    this.strip.add(result);
    this.tag(false);
    this.place(result);
    const before = wasThere ? 'The gallery has this one already; choose another seed for a new one. ' : '';
    this.tellWords(before + result.words);
    this.compare.sweep();
    newWork();
  }

  /** A result is on the stage, with what can be done with it. @param {Result} result */
  place(result) {
    this.result = result;
    this.after.src = result.view;
    this.after.alt = result.title;
    const link = (/** @type {string} */ name) => find(this.element, `[data-link=${name}]`, HTMLAnchorElement);
    link('download').href = `${result.file}?download=true`;
    link('download').setAttribute('download', result.name);
    link('work').href = `?work=${result.id}`;
    link('file').href = result.file;
    find(this.element, '[data-do=seed]').title = `Seed ${result.seed}`;
    find(this.element, '[data-do=sheet]').hidden = ![...this.sheet.made.values()].some(({ id }) => id === result.id);
    this.tellWords(result.words);
    this.tellNotes();
    this.enter('done');
  }

  /** One of this session's results, beside its photo or beside another result. @param {Result} result */
  showResult(result) {
    if (this.mode === 'running' || this.sheet.busy) {
      this.complain('The studio is at work here; wait until it is done, or stop it.');
      return;
    }
    this.complain(null);
    const { a } = this.strip;
    this.shape(1000 * result.ratio, 1000);
    this.before.src = a ? a.view : `works/${result.id}/sources/0`;
    this.tag(a != null);
    this.place(result);
    if (a) this.tellWords(`A: ${a.words} B: ${result.words}`);
    this.compare.half();
  }

  // --- Variations

  /** @param {Job} told one of several that were asked for together */
  hearVariation(told) {
    const { jobs, place } = /** @type {{jobs: string[], place: number}} */ (told.sheet);
    if (jobs[0] !== this.sheet.jobs[0] || jobs.length !== this.sheet.jobs.length) {
      this.complain(null);
      this.tellWords();
      this.tellNotes();
      this.showPhoto();
      this.sheet.begin(jobs, this.shown?.view ?? this.before.src);
      this.enter('sheet');
      this.scrollHere();
      newJob();
    }
    const result = told.state === 'made' && told.work ? resultOf(told.work, told.seed ?? 0) : null;
    this.sheet.follow(told, result);
    if (result) this.strip.add(result, { shown: false });
    const ended = told.state !== 'waiting' && told.state !== 'running';
    if (ended) seen(told.id);
    this.sheet.busy = !ended || place + 1 < jobs.length;
    const share = (place + (ended ? 1 : told.total ? told.done / told.total : 0)) / jobs.length;
    this.progress(share, told.state === 'waiting' && !place, `Variation ${place + 1} of ${jobs.length} · ${progressInWords(told)}`);
    this.element.classList.toggle('busy', this.sheet.busy);
    if (this.sheet.busy) return;
    tell(this.widget.props.desk, { underway: null });
    this.tellSheet();
    newWork();
  }

  tellSheet() {
    const link = find(this.element, '[data-link=sheet]', HTMLAnchorElement);
    link.hidden = !this.sheet.address;
    link.href = this.sheet.address;
  }

  /** @param {string | null} sentence @param {boolean} again */
  back(sentence, again = false) {
    this.job = null;
    tell(this.widget.props.desk, { underway: null });
    this.enter(this.photo ? 'photo' : 'empty');
    if (this.shown) this.tellNotes(this.shown.notes);
    if (sentence) this.complain(sentence, again && this.photo);
  }

  // --- What the server says

  /** A job found again: its files come back without a word. @param {Record<string, any>} found */
  async restore(found) {
    try {
      const photo = firstOf(found.photo);
      if (photo) this.settle(photo, await this.look(photo, 'photo'), 0, { quietly: true });
      this.wipe();
      await this.drawMask(firstOf(found.mask));
      if (found.guide) await bring(this.desk, 'offerGuides', listed(found.guide), found.guide_weights);
      await bring(this.desk, 'offerMore', found);
      await bring(this.desk, 'offerRegions', found);
    } catch { /* the source is gone: the preview and the result still show */ }
  }

  /** A work's files come here. @param {Record<string, any>} told */
  async hearOffer(told) {
    const photo = firstOf(told.photo);
    if (!photo || !await this.arrive(Promise.resolve(photo))) return;
    await this.drawMask(firstOf(told.mask)).catch((error) => this.complain(sentenceOf(error)));
    bring(this.desk, 'offerGuides', listed(told.guide), told.guide_weights);
    await bring(this.desk, 'offerMore', told);
    await bring(this.desk, 'offerRegions', told);
  }

  async hear() {
    const { props } = this.widget;
    let told = props.value;
    if (!told) return;
    if (told.state === 'refused') this.complain(told.message);
    else if (told.state === 'offer') await this.hearOffer(told);
    else {
      if (told.found && !this.restored) {
        this.restored = true;
        await this.restore(told.found);
        told = props.value;
      }
      this.hearJob(told);
    }
  }

  /** @param {Job} told */
  hearJob(told) {
    const { state, work, message } = told;
    if (told.sheet) { this.hearVariation(told); return; }
    const ended = state !== 'waiting' && state !== 'running';
    if (ended && inSight(this.widget.element)) seen(told.id);
    if (!ended && this.job !== told.id) newJob();
    if (state === 'waiting' || state === 'running') this.follow(told);
    if (ended) tell(this.widget.props.desk, { underway: null });
    if (state === 'made' && work) this.finish(resultOf(work, told.seed ?? 0), told.was_there ?? false);
    if (state === 'cancelled') {
      this.back(null);
      this.tellNotes(['Stopped. The settings and the photo are as they were.']);
    }
    if (state === 'failed') this.back(message || 'This picture could not be made.');
    if (state === 'interrupted') this.back(message || 'This picture was not finished.', true);
  }

  // --- What the visitor does

  async stop() {
    const jobs = this.sheet.busy ? this.sheet.jobs : [this.job];
    if (!jobs[0]) return;
    const button = find(this.element, '[data-do=stop]', HTMLButtonElement);
    button.disabled = true;
    find(this.element, '.told').textContent = 'Stopping …';
    try {
      for (const job of jobs) await asked(this.widget.server.stop(job));
    } catch (error) {
      this.complain(sentenceOf(error));
    }
    button.disabled = false;
  }

  clear() {
    this.photo = this.shown = null;
    this.desk.photoChanged?.();
    this.strip.leave();
    this.wipe();
    this.before.removeAttribute('src');
    this.tellNotes();
    this.tellWords();
    this.complain(null);
    this.enter('empty');
  }

  toPhoto() {
    this.tellWords();
    if (!this.photo) return this.enter('empty');
    this.showPhoto();
    this.enter('photo');
    return this.tellNotes(this.shown?.notes);
  }

  /** @returns {Record<string, (button: Element) => void>} what each button does */
  buttons() {
    const { mask } = this;
    return {
      choose: () => this.chooser.click(),
      paste: () => this.paste(),
      camera: () => this.openCamera(),
      uncamera: () => this.closeCamera(),
      shoot: () => this.shoot(),
      paint_mask: () => { this.enter('painting'); mask.canvas.focus({ preventScroll: true }); },
      painted: () => this.endPainting(),
      erase: (button) => {
        mask.erasing = !mask.erasing;
        button.setAttribute('aria-pressed', String(mask.erasing));
      },
      undo: () => mask.undo(),
      invert: () => mask.invert(),
      wipe: () => {
        mask.remember();
        mask.clear();
        this.kept = null;
        this.element.classList.remove('masked');
      },
      clear: () => this.clear(),
      stop: () => this.stop(),
      next: () => { if (this.result) this.arrive(Promise.resolve({ work: this.result.id })); },
      seed: () => { if (this.result) this.widget.trigger('seeded', { seed: this.result.seed }); },
      deepen: () => { if (this.result) this.widget.trigger('deepened', { work: this.result.id }); },
      sheet: () => { this.showPhoto(); this.tellWords(); this.enter('sheet'); },
      back: () => this.toPhoto(),
      retry: () => press(this.widget.props.button),
      dismiss: () => this.complain(null),
    };
  }

  listen() {
    const { element, chooser } = this;
    chooser.addEventListener('change', () => { this.take(chooser.files?.[0]); chooser.value = ''; });
    element.addEventListener('click', (event) => this.click(event));
    let hovering = 0;
    const over = (/** @type {number} */ count) => {
      hovering = Math.max(0, count);
      element.classList.toggle('over', hovering > 0);
    };
    element.addEventListener('dragenter', (event) => { event.preventDefault(); over(hovering + 1); });
    element.addEventListener('dragleave', () => over(hovering - 1));
    element.addEventListener('dragover', (event) => event.preventDefault());
    element.addEventListener('drop', (event) => {
      event.preventDefault();
      over(0);
      this.take(event.dataTransfer?.files[0]);
    });
    document.addEventListener('paste', (event) => {
      if (!inSight(this.widget.element) || around(event, 'input, textarea')) return;
      const [file] = picturesOf(event.clipboardData);
      if (!file) return;
      event.preventDefault();
      this.take(file);
    });
  }

  /** @param {MouseEvent} event */
  click(event) {
    const button = around(event, '[data-do]');
    if (button) {
      this.deeds[button.dataset.do ?? '']?.(button);
      return;
    }
    if (!around(event, '[data-link=work]') || event.ctrlKey || event.metaKey || !this.result) return;
    event.preventDefault();
    go(addressOfWork(this.result.id));
  }
}

/** How far a job is. @param {Job} told */
function progressInWords(told) {
  const queue = told.position ? `${told.position} ahead of this one` : 'next in line';
  const parts = told.state === 'waiting'
    ? ['Waiting', queue]
    : [capitalised(told.stage || 'getting ready'), told.total && `step ${told.done} of ${told.total}`,
      timeLeft(told.seconds_left, told.most_left)];
  return parts.filter(Boolean).join(' · ');
}
