// Takes of a melody: each as a score, a roll of notes that plays along, bars to keep, and where every note comes from.
const compose = find('.compose');
const takes = find('.takes');
const cards = new Map();      // work id -> {melody, item}
let following = [];           // jobs of the latest request
let asking = null;            // the latest request, to make it once more: null for the button, or {id, bars}
let count = 0;

const trouble = (sentence, ways = []) => {
  const box = find('.trouble');
  box.hidden = !sentence;
  find('.sentence', box).textContent = sentence ?? '';
  find('.ways', box).replaceChildren(...ways.map((way) => make('button', {type: 'button', class: 'small', onclick: () => relax(way)}, way.label)));
  if (sentence) box.scrollIntoView({block: 'nearest', behavior: calm() ? 'auto' : 'smooth'});
};
const say = (words) => { find('[data-said]').textContent = words; };

// A kept bar is let go here; every other constraint has a dial, which the server sets before it asks once more.
const relax = (way) => {
  trouble(null);
  if (way.field === 'keep' && asking) {
    asking.bars = way.value.map(Number);
    const there = cards.get(asking.id)?.melody;
    if (there) { there.kept.clear(); asking.bars.forEach((bar) => there.kept.add(bar)); there.mark(); }
    return studio.askOnceMore();
  }
  trigger('relax', {field: way.field, value: way.value});
};
const again = (id, bars) => { trouble(null); asking = {id, bars}; trigger('again', {id, bars}); };
studio.pressed = () => { trouble(null); asking = null; };
studio.askOnceMore = () => (asking ? again(asking.id, asking.bars) : document.querySelector('#compose')?.click());

// Pins are written on a dial and shown on every roll.
studio.pinned = (pins) => { studio.pins = plainly(pins); for (const {melody: each} of cards.values()) each.drawPins(); };

// --- One take ----------------------------------------------------------------------------------------------------------
const card = (work) => {
  count += 1;
  const name = `Take ${count}`;
  const one = melody(work, {name: name.toLowerCase(), ask: (bars) => again(work.id, bars), pin: (pins) => trigger('pin', {pins})});
  const item = make('li', {class: 'take', 'data-work': work.id},
    make('header', {},
      make('h3', {}, name),
      make('a', {href: `?work=${work.id}`, onclick: (event) => {
        if (event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        trigger('open_work', {id: work.id});
      }}, 'In the gallery')),
    one.element);
  say(`${name} is here.`);
  return {melody: one, item};
};

// --- What the server says ----------------------------------------------------------------------------------------------
const progress = ({words, share, stoppable}) => {
  compose.classList.toggle('running', words != null);
  if (words == null) return;
  find('.bar span').style.width = `${100 * share}%`;
  find('.bar').classList.toggle('waiting', share === 0);
  find('.bar').setAttribute('aria-valuenow', Math.round(100 * share));
  find('.told').textContent = words;
  find('[data-do=stop]').hidden = !stoppable;
};
const upper = (text) => (text ? text[0].toUpperCase() + text.slice(1) : 'Getting ready');

const running = (jobs) => {
  const open = jobs.filter((job) => job.state === 'waiting' || job.state === 'running');
  if (!open.length) return progress({words: null});
  const now = open.find((job) => job.state === 'running') ?? open[0];
  const share = (jobs.length - open.length + (now.total ? now.done / now.total : 0)) / jobs.length;
  const stage = now.state === 'waiting' ? ['Waiting', now.position ? `${now.position} before this one` : 'next in line'] : [upper(now.stage)];
  progress({words: [...stage, jobs.length > 1 && `take ${jobs.indexOf(now) + 1} of ${jobs.length}`].filter(Boolean).join(' · '), share, stoppable: true});
};

const show = (works) => {
  const shown = works.map((work) => {
    if (!cards.has(work.id)) cards.set(work.id, card(work));
    return cards.get(work.id);
  });
  if (!shown.length) return;   // those of an earlier request stay until the first new one is here
  const items = shown.map(({item}) => item);
  if (studio.playing && ![...cards.values()].some(({melody: each, item}) => each.holds(studio.playing) && items.includes(item))) silence();
  const there = [...takes.children];
  if (there.length !== items.length || there.some((each, place) => each !== items[place])) takes.replaceChildren(...items);
  compose.classList.add('full');
};

const hear = () => {
  const told = props.value;
  if (!told) return;
  if (told.state === 'refused') { progress({words: null}); return trouble(told.message); }
  if (told.state === 'reading') return progress({words: upper(told.stage), share: told.total ? told.done / told.total : 0});
  if (told.state === 'offer') {
    progress({words: null});
    trouble(null);
    show(told.works);
    const [{id}] = told.works;
    asking = {id, bars: told.kept};
    const there = cards.get(id).melody;
    told.kept.forEach((bar) => there.kept.add(bar));
    return there.mark();
  }
  const jobs = told.jobs ?? [];
  if (jobs.map((job) => job.id).join() !== following.map((job) => job.id).join()) trouble(null);
  following = jobs;
  running(jobs);
  const failed = jobs.find((job) => job.state === 'failed' || job.state === 'interrupted');
  if (failed) trouble(failed.message || 'This take was not finished; ask again.', failed.ways_out ?? []);
  const works = jobs.filter((job) => job.state === 'made' && job.work).map((job) => job.work);
  show(works);
  if (works.length) studio.galleryChanged?.();
};
watch('value', hear);

compose.addEventListener('click', async (event) => {
  const deed = event.target.closest('[data-do]')?.dataset.do;
  if (deed === 'dismiss') trouble(null);
  if (deed === 'stop') {
    find('.told').textContent = 'Stopping …';
    for (const job of following) {
      if (job.state !== 'waiting' && job.state !== 'running') continue;
      try { await asked(server.stop(job.id)); } catch (error) { trouble(error.message); }
    }
  }
});
if (studio.pinsWritten != null) studio.pinned(studio.pinsWritten);
hear();
if (!props.value) setTimeout(() => trigger('arrived', {}), 200);   // what the browser remembers is there a moment later
if (studio.askSoon) { studio.askSoon = false; setTimeout(studio.askOnceMore, 300); }
