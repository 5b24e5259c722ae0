// Takes of a melody: each as a score, a roll of notes that plays along, bars to keep, and where every note comes from.
const compose = find('.compose');
const takes = find('.takes');
const cards = new Map();      // work id -> its card
let following = [];           // jobs of the latest request

const trouble = (sentence) => {
  const box = find('.trouble');
  box.hidden = !sentence;
  find('.sentence', box).textContent = sentence ?? '';
  if (sentence) box.scrollIntoView({block: 'nearest', behavior: calm() ? 'auto' : 'smooth'});
};
const say = (words) => { find('[data-said]').textContent = words; };
const narrow = () => element.clientWidth < 640;
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
const percent = (share) => (share >= 0.095 ? `${Math.round(share * 100)} %` : `${(share * 100).toPrecision(2)} %`);
const MEMORIES = ['no memory', 'one note', 'two notes', 'three notes', 'four notes or more'];
const FORMATS = [['mid', 'MIDI'], ['musicxml', 'MusicXML'], ['abc', 'ABC'], ['wav', 'Sound'], ['svg', 'Score']];

// --- One take ----------------------------------------------------------------------------------------------------------
let playing = null;
const stopPlaying = () => { playing?.pause(); playing = null; };

const card = (work, letter) => {
  const kept = new Set();
  const base = `works/${work.id}`;
  const score = make('img', {class: 'sheet', alt: `Score of ${work.title}`, src: `${base}/score.svg?page=${narrow() ? 'narrow' : 'wide'}`});
  const strip = make('div', {class: 'bars', role: 'group', 'aria-label': 'Bars to keep'});
  const notes = make('div', {class: 'notes', tabindex: '0', role: 'application', 'aria-label': 'The notes. Arrow keys go from note to note and tell where each comes from.'});
  const head = make('span', {class: 'head', 'aria-hidden': 'true'});
  const explained = make('p', {class: 'explained', 'aria-live': 'polite'}, 'Click a note to learn where it comes from.');
  const time = make('span', {class: 'time'}, '0:00');
  const audio = make('audio', {preload: 'none', src: `${base}/as/wav`});
  const play = make('button', {type: 'button', class: 'play', 'aria-label': `Play take ${letter}`}, '▶ Play');
  const origins = make('button', {type: 'button', class: 'small', 'aria-pressed': 'false'}, 'Colour by memory');
  const again = make('button', {type: 'button', class: 'again'}, 'Ask again for all bars');
  const legend = make('p', {class: 'legend', hidden: true}, ...MEMORIES.map((memory, order) => make('span', {}, make('i', {class: `o${order}`}), memory)));
  let music = null;
  let chosen = -1;

  const mark = () => {
    for (const button of all('button', strip)) {
      const bar = Number(button.dataset.bar);
      button.setAttribute('aria-pressed', kept.has(bar));
    }
    for (const note of all('.note', notes)) note.classList.toggle('kept', kept.has(Number(note.dataset.bar)));
    const count = kept.size;
    again.textContent = count === 0 ? 'Ask again for all bars' : `Keep ${count === 1 ? 'this bar' : `these ${count} bars`}, ask again for the others`;
  };

  const explain = (number) => {
    const note = music.notes[number];
    if (!note) return;
    chosen = number;
    for (const each of all('.note', notes)) each.classList.toggle('chosen', Number(each.dataset.number) === number);
    const songs = (note.songs ?? []).map(([title, bar]) => `${title}, bar ${bar}`).join('; ');
    explained.textContent = [
      `${note.name} in bar ${note.bar}`,
      note.order != null && `known after ${note.order === 0 ? 'nothing' : note.order === 1 ? 'the note before' : `the ${note.order} notes before`}`,
      songs && `from ${songs}`,
      note.before != null && `${percent(note.before)} likely in the style, ${percent(note.after)} with your wishes`,
      note.returns && `bar ${note.returns} again`,
    ].filter(Boolean).join(' · ');
  };

  const draw = () => {
    const pitches = music.notes.map((note) => note.pitch);
    const [low, high] = [Math.min(...pitches) - 1, Math.max(...pitches) + 2];
    const rows = high - low;
    takeRoll.style.setProperty('--bars', music.bars.length);
    strip.replaceChildren(...music.bars.map((start, place) => {
      const end = music.bars[place + 1] ?? music.seconds;
      const bar = place + 1;
      return make('button', {
        type: 'button', 'data-bar': bar, 'aria-pressed': 'false', 'aria-label': `Keep bar ${bar}`, style: `width: ${(100 * (end - start)) / music.seconds}%`,
        onclick: () => { if (kept.has(bar)) kept.delete(bar); else kept.add(bar); mark(); },
      }, String(bar));
    }));
    notes.replaceChildren(
      ...music.bars.map((start) => make('i', {class: 'line', style: `left: ${(100 * start) / music.seconds}%`})),
      ...music.notes.map((note, number) => make('b', {
        class: `note o${Math.min(4, note.order ?? 0)}`, 'data-number': number, 'data-bar': note.bar, title: note.name,
        style: `left: ${(100 * note.at) / music.seconds}%; width: calc(${(100 * note.for) / music.seconds}% - 1px); bottom: ${(100 * (note.pitch - low)) / rows}%; height: ${100 / rows}%`,
        onclick: () => explain(number),
      })),
      head);
    time.textContent = `0:00 of ${clock(music.seconds)}`;
    mark();
  };
  notes.addEventListener('keydown', (event) => {
    const step = {ArrowLeft: -1, ArrowRight: 1, Home: -1e6, End: 1e6}[event.key];
    if (!step || !music) return;
    event.preventDefault();
    explain(Math.max(0, Math.min(music.notes.length - 1, chosen + step)));
  });

  const frame = () => {
    if (!music) return;
    head.style.left = `${(100 * Math.min(audio.currentTime, music.seconds)) / music.seconds}%`;
    time.textContent = `${clock(audio.currentTime)} of ${clock(music.seconds)}`;
    if (!audio.paused) requestAnimationFrame(frame);
  };
  play.addEventListener('click', async () => {
    if (!audio.paused) return stopPlaying();
    stopPlaying();
    playing = audio;
    play.textContent = '… One moment';
    try { await audio.play(); } catch (error) { if (playing === audio) trouble('This take could not be played; download its sound instead.'); play.textContent = '▶ Play'; }
  });
  audio.addEventListener('playing', () => { play.textContent = '❚❚ Pause'; head.classList.add('on'); requestAnimationFrame(frame); });
  for (const end of ['pause', 'ended']) audio.addEventListener(end, () => { play.textContent = '▶ Play'; frame(); });
  notes.addEventListener('dblclick', (event) => {
    const box = notes.getBoundingClientRect();
    audio.currentTime = ((event.clientX - box.left) / box.width) * music.seconds;
    frame();
  });
  origins.addEventListener('click', () => {
    const on = origins.getAttribute('aria-pressed') !== 'true';
    origins.setAttribute('aria-pressed', on);
    notes.classList.toggle('by-origin', on);
    legend.hidden = !on;
    score.src = `${base}/score.svg?page=${narrow() ? 'narrow' : 'wide'}&origins=${on}`;
  });
  again.addEventListener('click', () => { trouble(null); trigger('again', {id: work.id, bars: [...kept].sort((a, b) => a - b)}); });

  const facts = work.facts;
  const told = [facts.meter, facts.key, facts.range && `from ${facts.range}`, facts.form].filter(Boolean).join(' · ');
  const takeRoll = make('div', {class: 'roll'}, make('div', {class: 'wide'}, strip, notes));
  const made = make('li', {class: 'take', 'data-work': work.id},
    make('header', {}, make('h3', {}, `Take ${letter}`), make('p', {class: 'facts'}, told)),
    make('div', {class: 'paper'}, score),
    make('div', {class: 'player'}, play, time, origins, audio),
    takeRoll,
    legend,
    explained,
    make('ul', {class: 'findings'},
      facts.copying && make('li', {}, make('strong', {}, 'Copied: '), facts.copying),
      facts.chance && make('li', {}, make('strong', {}, 'Chance: '), `${facts.chance} would meet these wishes`),
      facts['learnt from'] && make('li', {}, make('strong', {}, 'Learnt from: '), facts['learnt from']),
      facts.remarks && make('li', {}, make('strong', {}, 'Note: '), facts.remarks)),
    make('div', {class: 'deeds'},
      again,
      make('span', {class: 'exports'}, ...FORMATS.map(([form, name]) => make('a', {class: 'button small', href: `${base}/as/${form}?download=true`, download: ''}, name))),
      make('a', {class: 'button small', href: `?work=${work.id}`, onclick: (event) => {
        if (event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        trigger('open_work', {id: work.id});
      }}, 'In the gallery')));
  (async () => {
    try {
      const answer = await fetch(`${base}/music`);
      if (!answer.ok) throw new Error((await answer.json()).detail);
      music = await answer.json();
      draw();
    } catch (error) {
      explained.textContent = error.message || 'The notes of this take could not be read.';
    }
  })();
  return made;
};

// --- What the server says ----------------------------------------------------------------------------------------------
const progress = (jobs) => {
  const open = jobs.filter((job) => job.state === 'waiting' || job.state === 'running');
  compose.classList.toggle('running', open.length > 0);
  if (!open.length) return;
  const now = open.find((job) => job.state === 'running') ?? open[0];
  const done = jobs.length - open.length + (now.total ? now.done / now.total : 0);
  find('.bar span').style.width = `${(100 * done) / jobs.length}%`;
  find('.bar').classList.toggle('waiting', done === 0);
  find('.bar').setAttribute('aria-valuenow', Math.round((100 * done) / jobs.length));
  const stage = now.stage ? now.stage[0].toUpperCase() + now.stage.slice(1) : 'Getting ready';
  find('.told').textContent = [now.state === 'waiting' ? 'Waiting' : stage, jobs.length > 1 && `take ${jobs.indexOf(now) + 1} of ${jobs.length}`].filter(Boolean).join(' · ');
};

const hear = () => {
  const told = props.value;
  if (!told) return;
  if (told.state === 'refused') { compose.classList.remove('running'); return trouble(told.message); }
  const jobs = told.jobs ?? [];
  const ids = jobs.map((job) => job.id).join();
  if (ids !== following.map((job) => job.id).join()) trouble(null);
  following = jobs;
  progress(jobs);
  const works = jobs.filter((job) => job.state === 'made' && job.work).map((job) => job.work);
  const failed = jobs.find((job) => job.state === 'failed' || job.state === 'interrupted');
  if (failed) trouble(failed.message || 'This take was not finished; ask again.');
  if (works.length || jobs.length) {
    const shown = works.map((work, place) => {
      if (!cards.has(work.id)) { cards.set(work.id, card(work, String.fromCharCode(65 + place))); say(`Take ${String.fromCharCode(65 + place)} is here.`); }
      return cards.get(work.id);
    });
    // Takes of an earlier request stay until the first new one is here.
    if (shown.length) {
      if (playing && !shown.some((each) => each.contains(playing))) stopPlaying();
      const there = [...takes.children];
      if (there.length !== shown.length || there.some((each, place) => each !== shown[place])) takes.replaceChildren(...shown);
    }
    compose.classList.toggle('full', takes.children.length > 0);
    if (works.length) studio.galleryChanged?.();
  }
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
hear();
