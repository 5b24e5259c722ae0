// A melody on the page: its score, a roll of its notes, a player whose cursor runs along both, bars to keep, and where every note comes from.
const MEMORIES = ['no memory', 'one note', 'two notes', 'three notes', 'four notes or more'];
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
const percent = (share) => (share >= 0.095 ? `${Math.round(share * 100)} %` : `${(share * 100).toPrecision(2)} %`);
const plainly = (pins) => String(pins ?? '').split('\n').map((each) => each.trim()).filter(Boolean);

// One plays at a time, on whatever tab.
const silence = () => { studio.playing?.pause(); studio.playing = null; };

// work: as the server tells of it. name: what it is called here, such as "take B". ask({bars}): asked when bars are to be kept, or null.
// pin(pins): asked when a pin is set on the roll, or null.
const melody = (work, {name, ask = null, pin = null}) => {
  const kept = new Set();
  const base = `works/${work.id}`;
  const readable = work.exports.length > 0;
  const paper = make('div', {class: 'paper', role: 'group', 'aria-label': `Score of ${work.title}`});
  const strip = make('div', {class: 'bars', role: 'group', 'aria-label': 'Bars to keep'});
  const notes = make('div', {class: 'notes', tabindex: '0', role: 'application', 'aria-label': 'The notes. Arrow keys go from note to note and tell where each comes from; space plays from there.'});
  const head = make('span', {class: 'head', 'aria-hidden': 'true'});
  const needle = make('span', {class: 'needle', 'aria-hidden': 'true'});
  const explained = make('p', {class: 'explained', 'aria-live': 'polite'});
  const time = make('span', {class: 'time'}, '0:00');
  const audio = make('audio', {preload: 'none', src: `${base}/as/wav`});
  const play = make('button', {type: 'button', class: 'play solid', 'aria-label': `Play ${name}`}, '▶ Play');
  const origins = make('button', {type: 'button', class: 'small', 'aria-pressed': 'false'}, 'Colour by origin');
  const pinning = pin && make('button', {type: 'button', class: 'small', 'aria-pressed': 'false', title: 'Click a place on the roll to ask for a note there'}, 'Pin notes');
  const wipe = make('button', {type: 'button', class: 'small plain', hidden: true}, 'Keep none');
  const again = ask && make('button', {type: 'button', class: 'again'});
  const legend = make('p', {class: 'legend', hidden: true}, 'Known after ', ...MEMORIES.map((memory, order) => make('span', {}, make('i', {class: `o${order}`}), memory)));
  const copy = make('button', {type: 'button', class: 'small plain', 'aria-pressed': 'false', hidden: true}, 'Show it');
  const roll = make('div', {class: 'roll'}, make('div', {class: 'wide'}, strip, notes));
  const hint = ask ? 'Click bars to keep them; click a note to learn where it comes from.' : 'Click a note to learn where it comes from.';
  let music = null;
  let chosen = -1;
  let low = 0;
  let rows = 1;
  let measures = [];    // of the score: {box: the rectangle one clicks, parts: [{element, at, number}]}

  // --- Bars to keep ------------------------------------------------------------------------------------------------------
  const mark = () => {
    for (const button of all('button', strip)) button.setAttribute('aria-pressed', kept.has(Number(button.dataset.bar)));
    for (const note of all('.note', notes)) note.classList.toggle('kept', kept.has(Number(note.dataset.bar)));
    measures.forEach(({box}, place) => box.classList.toggle('kept', kept.has(place + 1)));
    const count = kept.size;
    wipe.hidden = count === 0;
    if (again) again.textContent = count === 0 ? 'Ask again for all bars' : `Keep ${count === 1 ? 'this bar' : `these ${count} bars`}, ask again for the others`;
  };
  const toggle = (bar) => {
    if (!ask) return;
    if (kept.has(bar)) kept.delete(bar);
    else kept.add(bar);
    mark();
  };
  wipe.addEventListener('click', () => { kept.clear(); mark(); });

  // --- Where a note comes from -------------------------------------------------------------------------------------------
  const explain = (number) => {
    const note = music.notes[number];
    if (!note) return;
    chosen = number;
    for (const each of all('.note', notes)) each.classList.toggle('chosen', Number(each.dataset.number) === number);
    for (const {parts} of measures) for (const part of parts) part.element.classList.toggle('chosen', part.number === number);
    const songs = (note.songs ?? []).map(([title, bar]) => `“${title}”, bar ${bar}`).join(' and ');
    explained.replaceChildren(
      make('strong', {}, `${note.name} in bar ${note.bar}`),
      note.order != null ? ` follows ${note.order === 0 ? 'nothing it remembers' : note.order === 1 ? 'the note before it' : `the ${note.order} notes before it`}${songs ? ` as in ${songs}` : ''}.` : '',
      note.before != null ? ` In the style ${percent(note.before)} likely, with your constraints ${percent(note.after)}.` : '',
      note.returns ? ` It is bar ${note.returns} again.` : '');
  };

  // --- The roll ----------------------------------------------------------------------------------------------------------
  const where = (seconds) => `${(100 * seconds) / music.seconds}%`;
  const drawPins = () => {
    for (const old of all('.pinned', notes)) old.remove();
    if (!music) return;
    const [beats, value] = music.meter.split('/').map(Number);
    for (const each of studio.pins ?? []) {
      const found = /^(\d+):([\d./ ]+)=([A-Ga-g][#b]*-?\d+)/.exec(each.trim());
      const bar = Number(found?.[1]);
      const pitch = found && pitchOf(found[3]);
      if (pitch == null || bar > music.bars.length) continue;
      const beat = found[2].trim().split(' ').reduce((sum, part) => sum + (part.includes('/') ? part.split('/')[0] / part.split('/')[1] : Number(part)), 0);
      const long = (240 / value / music.tempo);
      notes.append(make('i', {class: 'pinned', title: `Pinned: ${each}`, style: `left: ${where(music.bars[bar - 1] + (beat - 1) * long)}; bottom: ${(100 * (pitch - low + 0.5)) / rows}%`}));
    }
    notes.dataset.beats = beats;
  };
  const isCopied = (number) => number >= music.copied[0] && number < music.copied[1];
  const draw = () => {
    copy.hidden = music.copied[0] === music.copied[1];
    const pitches = music.notes.map((note) => note.pitch);
    low = Math.min(...pitches) - 3;
    rows = Math.max(...pitches) + 4 - low;
    roll.style.setProperty('--bars', music.bars.length);
    strip.replaceChildren(...music.bars.map((start, place) => {
      const bar = place + 1;
      const label = {style: `width: ${where((music.bars[bar] ?? music.seconds) - start)}`};
      return ask
        ? make('button', {type: 'button', 'data-bar': bar, 'aria-pressed': 'false', 'aria-label': `Keep bar ${bar}`, onclick: () => toggle(bar), ...label}, String(bar))
        : make('span', {class: 'bar-number', ...label}, String(bar));
    }));
    notes.replaceChildren(
      ...music.bars.map((start) => make('i', {class: 'line', style: `left: ${where(start)}`})),
      ...music.notes.map((note, number) => make('b', {
        class: `note o${Math.min(4, note.order ?? 0)}${isCopied(number) ? ' copied' : ''}`, 'data-number': number, 'data-bar': note.bar, title: note.name,
        style: `left: ${where(note.at)}; width: calc(${where(note.for)} - 1px); bottom: ${(100 * (note.pitch - low)) / rows}%; height: ${100 / rows}%`,
      })),
      head);
    time.textContent = `0:00 of ${clock(music.seconds)}`;
    explained.textContent = hint;
    drawPins();
    mark();
  };
  const setPin = (bar, beat, pitch) => {
    const text = `${bar}:${beat}=${pitch}`;
    const pins = [...(studio.pins ?? [])];
    const there = pins.findIndex((each) => each.replaceAll(' ', '').startsWith(`${bar}:${beat}=`));
    const same = there >= 0 && pins[there].replaceAll(' ', '') === text;
    if (there >= 0) pins.splice(there, 1);
    if (!same) pins.push(text);
    studio.pinned(pins.join('\n'));
    explained.textContent = same ? `The pin ${text} is gone.` : `Pinned ${pitch} in bar ${bar} at beat ${beat}: the next takes have it there.`;
    pin(pins);
  };
  // The place of a moment, to half beats of the meter.
  const beatAt = (seconds) => {
    const bar = Math.max(1, music.bars.filter((start) => start <= seconds + 1e-6).length);
    const long = 240 / Number(music.meter.split('/')[1]) / music.tempo;
    const beat = 1 + Math.floor((2 * (seconds - music.bars[bar - 1])) / long + 1e-6) / 2;
    return [bar, beat];
  };
  const onRoll = (event) => {
    if (!music) return;
    const note = event.target.closest('.note');
    if (pinning?.getAttribute('aria-pressed') === 'true') {
      if (note) {
        const {at, name: pitch} = music.notes[Number(note.dataset.number)];
        return setPin(...beatAt(at), pitch);
      }
      const box = notes.getBoundingClientRect();
      const pitch = Math.floor(low + rows * (1 - (event.clientY - box.top) / box.height));
      return setPin(...beatAt(((event.clientX - box.left) / box.width) * music.seconds), pitchName(pitch));
    }
    if (note) return explain(Number(note.dataset.number));
    const box = notes.getBoundingClientRect();
    seek(((event.clientX - box.left) / box.width) * music.seconds);
  };
  notes.addEventListener('click', onRoll);
  notes.addEventListener('keydown', (event) => {
    if (!music) return;
    const step = {ArrowLeft: -1, ArrowRight: 1, Home: -1e6, End: 1e6}[event.key];
    if (step) explain(Math.max(0, Math.min(music.notes.length - 1, chosen + step)));
    else if (event.key === ' ' && chosen >= 0) { seek(music.notes[chosen].at); if (audio.paused) play.click(); }
    else if (event.key === 'Enter' && chosen >= 0 && pin) setPin(...beatAt(music.notes[chosen].at), music.notes[chosen].name);
    else if (event.key === 'k' && chosen >= 0) toggle(music.notes[chosen].bar);
    else return;
    event.preventDefault();
  });
  pinning?.addEventListener('click', () => {
    const on = pinning.getAttribute('aria-pressed') !== 'true';
    pinning.setAttribute('aria-pressed', on);
    notes.classList.toggle('pinning', on);
    explained.textContent = on ? 'Click a place on the roll, or a note, to ask for it there; click it again to let it go.' : hint;
  });

  // --- The score ---------------------------------------------------------------------------------------------------------
  const layOut = () => {
    const svg = find('svg', paper);
    if (!svg || !music || measures.length || !svg.getBoundingClientRect().width) return;
    all('g.measure', svg).forEach((measure, place) => {
      const around = measure.getBBox();
      const staff = find('g.staff', measure).getBBox();
      const box = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
      for (const [key, value] of Object.entries({x: around.x, y: Math.min(around.y, staff.y) - 200, width: around.width, height: Math.max(around.height, staff.height) + 400, rx: 120, class: 'hit'})) box.setAttribute(key, value);
      measure.prepend(box);
      measure.addEventListener('click', (event) => { if (!event.target.closest('.note')) toggle(place + 1); });
      const written = music.written[place] ?? [];
      const elements = all('g.note, g.rest, g.mRest', measure);
      const parts = elements.length === written.length ? written.map(([at, number], i) => ({element: elements[i], at, number})) : [];
      for (const {element, number} of parts) {
        if (number == null) continue;
        element.classList.add(`o${Math.min(4, music.notes[number]?.order ?? 0)}`);
        element.classList.toggle('copied', isCopied(number));
        element.addEventListener('click', () => explain(number));
      }
      measures.push({box, parts, measure});
    });
    mark();
  };
  const engraved = async () => {
    const answer = await fetch(`${base}/score.svg?page=${element.clientWidth < 640 ? 'narrow' : 'wide'}`);
    if (!answer.ok) throw new Error((await answer.json()).detail);
    const svg = document.importNode(new DOMParser().parseFromString(await answer.text(), 'image/svg+xml').documentElement, true);
    svg.setAttribute('viewBox', `0 0 ${parseFloat(svg.getAttribute('width'))} ${parseFloat(svg.getAttribute('height'))}`);
    for (const size of ['width', 'height']) svg.removeAttribute(size);
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', `Score of ${work.title}`);
    svg.classList.add('sheet');
    paper.replaceChildren(svg, needle);
  };

  // --- The player --------------------------------------------------------------------------------------------------------
  const seek = (seconds) => {
    audio.currentTime = seconds;
    if (audio.readyState === 0) { audio.load(); audio.addEventListener('loadedmetadata', () => { audio.currentTime = seconds; }, {once: true}); }
    head.classList.add('on');
    frame(seconds);
  };
  const frame = (at) => {
    if (!music) return;
    const now = Math.min(typeof at === 'number' && at >= 0 && audio.paused ? at : audio.currentTime, music.seconds);
    head.style.left = where(now);
    time.textContent = `${clock(now)} of ${clock(music.seconds)}`;
    for (const each of all('.note', notes)) {
      const {at: start, for: long} = music.notes[Number(each.dataset.number)];
      each.classList.toggle('sounds', !audio.paused && start <= now && now < start + long);
    }
    const place = Math.max(0, music.bars.filter((start) => start <= now).length - 1);
    const {measure, parts} = measures[place] ?? {};
    needle.classList.toggle('on', Boolean(measure) && head.classList.contains('on'));
    if (measure) {
      const outer = paper.getBoundingClientRect();
      const bar = find('g.staff', measure).getBoundingClientRect();
      const end = music.bars[place + 1] ?? music.seconds;
      const stops = parts.map(({element: each, at: start}) => [start, (find('.notehead', each) ?? each).getBoundingClientRect().left + 4]);
      if (!stops.length || stops[0][0] > music.bars[place]) stops.unshift([music.bars[place], bar.left]);
      stops.push([end, bar.right]);
      const next = Math.max(1, stops.findIndex(([start]) => start > now) === -1 ? stops.length - 1 : stops.findIndex(([start]) => start > now));
      const [[t0, x0], [t1, x1]] = [stops[next - 1], stops[next]];
      const x = x0 + (x1 - x0) * Math.min(1, (now - t0) / (t1 - t0 || 1));
      Object.assign(needle.style, {left: `${x - outer.left}px`, top: `${bar.top - outer.top - 8}px`, height: `${bar.height + 16}px`});
    }
    if (audio.paused) return;
    const wide = roll.scrollWidth > roll.clientWidth;
    if (wide) roll.scrollLeft = Math.max(0, (now / music.seconds) * notes.clientWidth - roll.clientWidth / 2);
    requestAnimationFrame(frame);
  };
  play.addEventListener('click', async () => {
    if (!audio.paused) return silence();
    silence();
    studio.playing = audio;
    play.textContent = '… One moment';
    try { await audio.play(); } catch { if (studio.playing === audio) explained.textContent = 'This could not be played; download its sound instead.'; play.textContent = '▶ Play'; }
  });
  audio.addEventListener('playing', () => { play.textContent = '❚❚ Pause'; head.classList.add('on'); requestAnimationFrame(frame); });
  for (const end of ['pause', 'ended']) audio.addEventListener(end, () => { play.textContent = '▶ Play'; frame(); });

  origins.addEventListener('click', () => {
    const on = origins.getAttribute('aria-pressed') !== 'true';
    origins.setAttribute('aria-pressed', on);
    made.classList.toggle('by-origin', on);
    legend.hidden = !on;
  });
  copy.addEventListener('click', () => {
    const on = copy.getAttribute('aria-pressed') !== 'true';
    copy.setAttribute('aria-pressed', on);
    made.classList.toggle('by-copy', on);
  });
  again?.addEventListener('click', () => ask([...kept].sort((a, b) => a - b)));

  // --- Together ----------------------------------------------------------------------------------------------------------
  const facts = work.facts;
  const finding = (term, words, ...more) => words && make('li', {}, make('strong', {}, `${term}: `), words, ...more);
  const made = make('div', {class: 'melody', 'data-work': work.id},
    make('p', {class: 'facts'}, [facts.meter, facts.key, facts.bars && `${facts.bars} bars`, facts.range && `from ${facts.range}`].filter(Boolean).join(' · ')),
    readable && paper,
    make('div', {class: 'player'}, play, time, readable && pinning, readable && origins, audio),
    readable && roll,
    readable && legend,
    readable && explained,
    again && make('div', {class: 'deeds'}, again, wipe),
    make('ul', {class: 'findings'},
      finding('Form', facts.form),
      finding('Copied', facts.copying, ' ', copy),
      finding('Chance', facts.chance),
      finding('Learnt from', facts['learnt from']),
      finding('Note', facts.remarks)),
    readable && make('div', {class: 'exports'}, make('span', {}, 'Save as'), ...work.exports.map((each) => make('a', {class: 'button small', href: `${base}/as/${each.name}?download=true`, download: ''}, each.label))));
  if (!readable) audio.src = work.file;
  const ready = readable && (async () => {
    try {
      const answer = await fetch(`${base}/music`);
      if (!answer.ok) throw new Error((await answer.json()).detail);
      music = await answer.json();
      draw();
      await engraved();
      layOut();
      new ResizeObserver(layOut).observe(paper);
    } catch (error) {
      explained.textContent = error.message || 'The notes could not be read.';
    }
  })();
  return {element: made, kept, mark, drawPins, ready, holds: (other) => other === audio};
};

// --- Pitches and pins ------------------------------------------------------------------------------------------------------
const NAMES = ['C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'Ab', 'A', 'Bb', 'B'];
const pitchName = (pitch) => `${NAMES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;
const pitchOf = (text) => {
  const found = /^([A-Ga-g])([#b]*)(-?\d+)$/.exec(text.trim());
  if (!found) return null;
  const bend = [...found[2]].reduce((sum, sign) => sum + (sign === '#' ? 1 : -1), 0);
  return {C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11}[found[1].toUpperCase()] + bend + 12 * (Number(found[3]) + 1);
};
