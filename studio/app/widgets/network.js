// A network of the visitor's own: the file it was saved as, and what it says of itself.
const place = find('.network');
const chooser = find('input[type=file]');
const USUAL = find('.info').textContent;
let offer = null;
let arriving = null;

const trouble = (message) => { const box = find('.trouble'); box.hidden = !message; box.textContent = message ?? ''; };
const show = (told) => {
  place.dataset.full = told ? 'yes' : 'no';
  find('.called').textContent = told?.name ?? '';
  find('.info').textContent = told?.sentence ?? USUAL;
};
const clear = (quietly) => {
  if (offer && !quietly) trigger('arrived', {own: false, layers: []});
  offer = null;
  trouble(null);
  show(null);
};
const arrive = (offering, { quietly = false, chosen = [] } = {}) => {
  trouble(null);
  arriving = (async () => {
    try {
      const given = await offering;
      const told = await asked(server.know(given));
      offer = given;
      show(told);
      find('.fold').open = true;
      if (told.own) trigger('arrived', {own: true, layers: told.layers, chosen, quietly});
    } catch (error) {
      trouble(error.message);
    } finally {
      arriving = null;
    }
  })();
  return arriving;
};
const take = (file) => { if (file) arrive(offered(file)); };

const own = ((studio.desks ??= {}).dream ??= {});
own.more = async () => { if (arriving) await arriving; return offer ? {weights: offer} : {}; };
own.offerMore = async (told) => (told.weights ? arrive(Promise.resolve(told.weights), {quietly: true}) : clear(true));
// From a lesson: a network just trained, and the layers it is to dream with.
own.bringNetwork = (file, chosen) => arrive(offered(file), {chosen});

chooser.addEventListener('change', () => { take(chooser.files[0]); chooser.value = ''; });
place.addEventListener('click', (event) => {
  const deed = event.target.closest('[data-do]')?.dataset.do;
  if (deed === 'choose') chooser.click();
  if (deed === 'clear') clear();
});
place.addEventListener('dragover', (event) => event.preventDefault());
place.addEventListener('drop', (event) => { event.preventDefault(); event.stopPropagation(); take(event.dataTransfer?.files?.[0]); });
