// The guide picture: small, optional, dropped or chosen.
const picture = find('img');
const guide = well(find('.guide'), {
  read: (given) => server.look({picture: given, role: 'guide'}),
  filled: (shown) => { picture.src = shown.view; picture.alt = `Guide: ${shown.title || shown.name}`; },
  emptied: () => { picture.removeAttribute('src'); picture.alt = ''; },
});

const own = ((studio.desks ??= {}).dream ??= {});
own.guide = guide.offer;
own.offerGuide = async (given) => (given ? guide.arrive(Promise.resolve(given)) : guide.clear());
