// The gallery: a wall of works, newest first, and one work large. ?work=ID in the address names the one that is open.
const gallery = find('.gallery');
const tiles = find('.tiles');
const search = find('input[type=search]');
const moreButton = find('[data-do=more]');
const article = find('article.work');
let kind = null;
let last = null;       // the last work on the wall: the next page follows it
let asking = 0;        // only the newest question's answer counts
let scrolled = 0;
let open = null;       // the work that is open

const trouble = (message) => { const box = find('.wall .trouble'); box.hidden = !message; box.textContent = message ?? ''; };
const when = (iso) => new Date(iso).toLocaleDateString(undefined, {year: 'numeric', month: 'long', day: 'numeric'});

const tile = (work) => {
  const link = make('a', {class: 'tile', href: `?work=${work.id}`, style: `--ratio: ${work.ratio}`, 'data-work': work.id},
    make('img', {src: work.thumb, alt: work.title, loading: 'lazy', decoding: 'async', draggable: 'false'}),
    make('span', {class: 'caption'}, make('strong', {}, work.title), make('span', {}, when(work.made_at))));
  find('img', link).addEventListener('error', (event) => event.target.classList.add('gone'), {once: true});
  return link;
};

// --- The wall --------------------------------------------------------------------------------------------------------
const fill = async ({onward = false} = {}) => {
  const question = ++asking;
  let told;
  try {
    told = await asked(server.works({text: search.value, kind, after: onward ? last : null}));
  } catch (error) {
    return trouble(error.message);
  }
  if (question !== asking) return;
  trouble(null);
  const made = told.works.map(tile);
  if (onward) tiles.append(...made);
  else tiles.replaceChildren(...made);
  if (onward) made[0]?.focus();
  last = told.works.at(-1)?.id ?? last;
  for (const button of all('.kinds button')) button.hidden = button.dataset.kind !== '' && !told.kinds.includes(button.dataset.kind);
  find('.kinds').hidden = told.kinds.length < 2;
  const here = tiles.children.length;
  moreButton.hidden = here >= told.total;
  find('.count').textContent = told.total === 1 ? '1 work' : `${told.total} works`;
  const searching = Boolean(search.value || kind);
  find('.none').hidden = here > 0;
  find('.finder').hidden = here === 0 && !searching;
  find('.none h2').textContent = searching ? 'No works match your search' : 'The wall is still empty';
  find('.none p').textContent = searching
    ? 'Try fewer letters, or another kind.'
    : 'Everything you make hangs here, newest first, with all that made it. Start with a photo.';
  find('.none button').hidden = searching;
};

let pause;
search.addEventListener('input', () => { clearTimeout(pause); pause = setTimeout(fill, 250); });
for (const each of [{name: null, label: 'All'}, ...props.kinds]) {
  find('.kinds').append(make('button', {type: 'button', 'aria-pressed': String(each.name === kind), 'data-kind': each.name ?? '', onclick: (event) => {
    kind = each.name;
    for (const button of all('.kinds button')) button.setAttribute('aria-pressed', button === event.target);
    fill();
  }}, each.label));
}

// A kind of another studio, of which this one knows nothing, is shown as a picture.
const kindOf = (work) => props.kinds.find((each) => each.name === work.kind) ?? {medium: 'picture', losses: 'The loss', tab: '', again: ''};

// --- One work ----------------------------------------------------------------------------------------------------------
const relatives = (title, works) => works.length > 0 && make('section', {class: 'relatives'}, make('h3', {}, title), make('div', {class: 'row'}, ...works.map(tile)));

const row = (term, ...meaning) => [make('dt', {}, term), make('dd', {}, ...meaning)];

const credit = (each) => [each.author && `by ${each.author}`, each.licence].filter(Boolean).join(' · ') || (each.role === 'mask' ? '' : 'no credit given');
const source = (each, kind) => make('li', {class: 'source'},
  kind.medium !== 'melody' && each.role !== 'weights' && make('img', {src: each.view, alt: '', loading: 'lazy'}),
  make('div', {},
    make('span', {class: 'role'}, each.role),
    make('strong', {}, each.title || each.name || 'untitled'),
    make('span', {class: 'credit'}, credit(each))));

// The loss at every step as a line: how the work came about.
const curve = (losses, meaning) => {
  if (losses.length < 2) return null;
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  const points = losses.map((loss, i) => `${(300 * i / (losses.length - 1)).toFixed(1)},${(58 - 56 * (loss - low) / (high - low || 1)).toFixed(1)}`);
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 300 60');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', `A line over ${losses.length} steps, from ${losses[0].toPrecision(3)} to ${losses.at(-1).toPrecision(3)}`);
  const line = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
  line.setAttribute('points', points.join(' '));
  svg.append(line);
  return make('figure', {class: 'curve'}, svg, make('figcaption', {}, `${meaning} at each of ${losses.length} steps`));
};

const draw = (work) => {
  const shown = {...work.recipe};
  for (const hidden of ['schema_version', 'kind', 'sources', 'model', 'setting']) delete shown[hidden];
  const asks = Object.entries(shown).map(([name, value]) => row(name.replaceAll('_', ' '), Array.isArray(value) ? value.join(', ') : typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value)));
  const facts = Object.entries(work.facts).filter(([name]) => !(name in shown) && name !== 'origins').map(([name, value]) => row(name, value));
  const model = work.recipe.model && row('network', `${work.recipe.model.name} `, make('code', {title: work.recipe.model.sha256}, work.recipe.model.sha256.slice(0, 12)));
  const versions = work.recipe.setting && row('made with', [...Object.entries(work.recipe.setting.versions ?? {}).map(([name, version]) => `${name} ${version}`), work.recipe.setting.device].filter(Boolean).join(' · '));
  const json = JSON.stringify(work.recipe, null, 2);
  const kind = kindOf(work);
  const isMelody = kind.medium === 'melody';
  const keeping = isMelody && work.reads_back;
  const sound = isMelody && melody(work, {name: 'this melody', ask: keeping ? (bars) => trigger(`ask_again_${kind.tab}`, {id: work.id, bars}) : null});
  const picture = make('img', {src: work.view, alt: work.title, class: 'large', style: `--ratio: ${work.ratio}`, draggable: 'false'});
  article.replaceChildren(
    make('nav', {}, make('button', {type: 'button', class: 'plain', 'data-do': 'wall'}, '← All works')),
    make('div', {class: 'spread'},
      make('div', {class: 'shown'},
        sound && work.exports.length
          ? sound.element
          : make('div', {class: 'picture'}, make('a', {href: work.file, target: '_blank', rel: 'noopener', title: 'Full size'}, picture)),
        sound && !work.exports.length && sound.element,
        relatives('Made from these works', work.parents),
        relatives('What came of it', work.children)),
      make('div', {class: 'beside'},
        make('h2', {}, work.title),
        make('p', {class: 'when'}, [when(work.made_at), work.facts.size].filter(Boolean).join(' · ')),
        make('p', {class: 'told'}, work.words),
        make('div', {class: 'deeds'},
          make('a', {class: 'button solid', href: `${work.file}?download=true`, download: work.name}, 'Download'),
          work.media_type.startsWith('image/') && !isMelody && make('button', {type: 'button', 'data-do': 'next'}, 'Use as next source'),
          kind.again && make('button', {type: 'button', 'data-do': 'again'}, kind.again),
          make('button', {type: 'button', 'data-do': 'remake'}, 'Remake'),
          make('button', {type: 'button', class: 'danger', 'data-do': 'remove'}, 'Remove')),
        make('p', {class: 'verdict', 'aria-live': 'polite'}),
        work.sources.length > 0 && make('section', {}, make('h3', {}, 'Made from'), make('ul', {class: 'sources'}, ...work.sources.map((each) => source(each, kind)))),
        curve(work.losses, kind.losses),
        make('details', {}, make('summary', {}, 'How it was made'), make('dl', {}, ...[...facts, ...asks, model, versions, row('file', make('code', {title: work.sha256}, `${work.name} · sha256 ${work.sha256.slice(0, 12)}`))].filter(Boolean).flat())),
        make('details', {}, make('summary', {}, 'Recipe as JSON'),
          make('button', {type: 'button', class: 'small', onclick: (event) => copy(json, event.target)}, 'Copy'),
          make('pre', {tabindex: '0'}, json)))));
};

const copy = async (text, button) => {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  } catch {
    getSelection().selectAllChildren(find('pre', button.parentElement));
    button.textContent = 'Selected: press Ctrl+C';
  }
  setTimeout(() => { button.textContent = 'Copy'; }, 2500);
};

const address = (id) => {
  const url = new URL(location.href);
  if (id) url.searchParams.set('work', id);
  else url.searchParams.delete('work');
  return url;
};

const show = async (id, {push = true} = {}) => {
  let work;
  try {
    work = await asked(server.work(id));
  } catch (error) {
    await toWall({push: false});
    history.replaceState(null, '', address(null));
    return trouble(error.message);
  }
  if (gallery.dataset.showing === 'wall') scrolled = window.scrollY;
  open = work;
  draw(work);
  gallery.dataset.showing = 'work';
  if (push) history.pushState({work: work.id}, '', address(work.id));
  window.scrollTo({top: 0});
  article.focus({preventScroll: true});
};

const toWall = async ({push = true} = {}) => {
  const from = open?.id;
  silence();
  open = null;
  gallery.dataset.showing = 'wall';
  if (push) history.pushState(null, '', address(null));
  await fill();
  window.scrollTo({top: scrolled});
  if (from) find(`.tile[data-work="${from}"]`, tiles)?.focus({preventScroll: true});
};

window.addEventListener('popstate', () => {
  if (location.hash.includes('lesson=')) return;  // a lesson's link was followed; the work that is open stays where it is
  const id = new URL(location.href).searchParams.get('work');
  if (!inSight()) { if (id) trigger('arrive', {}); return; }
  if (id) show(id, {push: false});
  else if (open) toWall({push: false});
});

const remove = () => {
  const dialog = find('.ask-removal');
  find('p', dialog).textContent = `This deletes “${open.title}” permanently. Works made from it are kept.`;
  dialog.returnValue = 'no';
  dialog.showModal();
  dialog.onclose = async () => {
    if (dialog.returnValue !== 'yes') return;
    try {
      await asked(server.remove(open.id));
      await toWall();
    } catch (error) {
      verdict(error.message, 'bad');
    }
  };
};

const verdict = (sentence, mood = '') => { const box = find('.verdict'); if (box) { box.textContent = sentence; box.dataset.mood = mood; } };
const hear = async () => {
  const told = props.value;
  if (!told) return;
  if (told.open) await show(told.open);
  if (told.remaking && open && told.remaking === open.id) verdict(told.sentence, told.mood);
  if (told.remaking) for (const button of all('[data-do=remake]')) button.disabled = told.mood === 'busy';
};
watch('value', hear);

const deeds = {
  more: () => fill({onward: true}),
  start: () => trigger('start', {}),
  wall: () => toWall(),
  next: () => trigger('use', {id: open.id}),
  again: () => trigger(`again_${kindOf(open).tab}`, {id: open.id}),
  remake: () => { verdict('Making it again …', 'busy'); trigger('remake', {id: open.id}); },
  remove,
};
gallery.addEventListener('click', (event) => {
  const link = event.target.closest('a.tile');
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
    event.preventDefault();
    return show(link.dataset.work);
  }
  const button = event.target.closest('[data-do]');
  if (button) deeds[button.dataset.do]?.(button);
});

// New works hang on the wall as soon as one looks at it.
studio.galleryChanged = () => { if (gallery.dataset.showing === 'wall') fill(); };
new IntersectionObserver((seen) => { if (seen.some((each) => each.isIntersecting)) studio.galleryChanged(); }).observe(gallery);
hear();
