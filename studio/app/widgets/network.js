// A network of the visitor's own: the file it was saved as, and what it says of itself.
const info = find('.info');
const USUAL = info.textContent;
const hash = find('.hash');
const hashField = find('.hash input');
const network = well(find('.network'), {
  read: (given) => server.know(given),
  filled: (told, {quietly = false, chosen = []}) => {
    find('.called').textContent = told.name;
    info.textContent = told.sentence;
    hash.hidden = !told.pickle;
    hashField.value = told.sha256 ?? '';
    if (told.own) trigger('arrived', {own: true, layers: told.layers, chosen, quietly});
  },
  emptied: ({quietly = false}, had) => {
    find('.called').textContent = '';
    info.textContent = USUAL;
    hash.hidden = true;
    hashField.value = '';
    if (had && !quietly) trigger('arrived', {own: false, layers: []});
  },
});

const own = ((studio.desks ??= {}).dream ??= {});
own.more = async () => { const weights = await network.offer(); return weights ? {weights, weights_sha256: hashField.value.trim()} : {}; };
own.offerMore = async (told) => (told.weights ? network.arrive(Promise.resolve(first(told.weights)), {quietly: true}) : network.clear({quietly: true}));
// From a lesson: a network just trained, and the layers it is to dream with.
own.bringNetwork = (file, chosen) => network.arrive(offered(file), {chosen});
