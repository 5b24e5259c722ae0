// The paintings a photo is to be painted like: dropped or chosen, each with a weight once there are several.
const box = find('.paintings');
const hung = find('.hung');
const chooser = find('input[type=file]');
let paintings = [];        // {offer, view, name, weight}
let arriving = Promise.resolve();

const trouble = (message) => { const told = find('.trouble'); told.hidden = !message; told.textContent = message ?? ''; };
const draw = () => {
  hung.replaceChildren(...paintings.map((painting) => make('li', {},
    make('img', {src: painting.view, alt: painting.name}),
    make('div', {class: 'side'},
      make('span', {class: 'name'}, painting.name),
      paintings.length > 1 && make('label', {}, 'Weight ', make('input', {
        type: 'range', min: 0, max: 4, step: 0.25, value: painting.weight, 'aria-label': `Weight of ${painting.name}`,
        oninput: (event) => { painting.weight = Number(event.target.value); },
      })),
      make('button', {type: 'button', class: 'small', onclick: () => { paintings = paintings.filter((each) => each !== painting); draw(); }}, 'Remove')))));
  find('.add').hidden = paintings.length >= props.most;
  for (const button of all('.study')) button.setAttribute('aria-pressed', String(paintings.some((each) => each.offer.study === button.value)));
  find('.add').textContent = paintings.length ? 'Add another' : 'Add a painting';
};
const hang = (offering, weight = 1) => {
  trouble(null);
  arriving = arriving.then(async () => {
    if (paintings.length >= props.most) return trouble(`Up to ${props.most} paintings can be mixed; remove one first.`);
    try {
      const offer = await offering;
      const shown = await asked(server.look({picture: offer, role: 'style'}));
      paintings.push({offer, view: shown.view, name: shown.title || shown.name || 'A painting', weight});
      draw();
    } catch (error) {
      trouble(error.message);
    }
  });
  return arriving;
};
for (const study of props.studies) {
  const toggle = () => {
    const there = paintings.find((each) => each.offer.study === study.name);
    if (!there) return hang(Promise.resolve({study: study.name}));
    paintings = paintings.filter((each) => each !== there);
    draw();
  };
  find('.studies').append(make('button', {type: 'button', class: 'study', value: study.name, title: study.sentence, onclick: toggle},
    make('img', {src: study.picture, alt: '', draggable: 'false'}), make('span', {}, study.title)));
}
const take = (files) => { for (const file of files) hang(offered(file)); };

const own = ((studio.desks ??= {}).style ??= {});
own.more = async () => {
  await arriving;
  return {style: paintings.map((painting) => painting.offer), weights: paintings.map((painting) => painting.weight)};
};
own.offerMore = async (told) => {
  if (!told.style) return;
  paintings = [];
  draw();
  told.style.forEach((offer, place) => hang(Promise.resolve(offer), told.weights?.[place] ?? 1));
  await arriving;
};

chooser.addEventListener('change', () => { take([...chooser.files]); chooser.value = ''; });
box.addEventListener('click', (event) => { if (event.target.closest('[data-do=choose]')) chooser.click(); });
box.addEventListener('dragover', (event) => event.preventDefault());
box.addEventListener('drop', (event) => { event.preventDefault(); event.stopPropagation(); take(picturesOf(event.dataTransfer)); });
draw();
