// A well in a fold: a file chosen or dropped there is read by the server, and is this widget's offer until it is put away.
// read(offer) asks the server; filled(told, how) shows its answer; emptied(how, had) shows that nothing is there (any more).
const well = (place, {read, filled, emptied}) => {
  const chooser = find('input[type=file]');
  let offer = null;
  let arriving = null;
  const trouble = (message) => { const box = find('.trouble'); box.hidden = !message; box.textContent = message ?? ''; };
  const clear = (how = {}) => {
    const had = offer != null;
    offer = null;
    place.dataset.full = 'no';
    trouble(null);
    emptied(how, had);
  };
  const arrive = (offering, how = {}) => {
    trouble(null);
    arriving = (async () => {
      try {
        const given = await offering;
        const told = await asked(read(given));
        offer = given;
        place.dataset.full = 'yes';
        find('.fold').open = true;
        filled(told, how);
      } catch (error) {
        trouble(error.message);
      } finally {
        arriving = null;
      }
    })();
    return arriving;
  };
  const take = (file) => { if (file) arrive(offered(file)); };
  chooser.addEventListener('change', () => { take(chooser.files[0]); chooser.value = ''; });
  place.addEventListener('click', (event) => {
    const deed = event.target.closest('[data-do]')?.dataset.do;
    if (deed === 'choose') chooser.click();
    if (deed === 'clear') clear();
  });
  place.addEventListener('dragover', (event) => event.preventDefault());
  place.addEventListener('drop', (event) => { event.preventDefault(); event.stopPropagation(); take(event.dataTransfer?.files?.[0]); });
  return {arrive, clear, offer: async () => { if (arriving) await arriving; return offer; }};
};

