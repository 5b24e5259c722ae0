// The guide picture: small, optional, dropped or chosen.
const guide = find('.guide');
const chooser = find('input[type=file]');
const picture = find('img');
let offer = null;
let arriving = null;

const trouble = (message) => { const box = find('.trouble'); box.hidden = !message; box.textContent = message ?? ''; };
const clear = () => { offer = null; picture.removeAttribute('src'); picture.alt = ''; guide.dataset.full = 'no'; trouble(null); };
const arrive = (offering) => {
  trouble(null);
  arriving = (async () => {
    try {
      const given = await offering;
      const shown = await asked(server.look({picture: given, role: 'guide'}));
      picture.src = shown.view;
      picture.alt = `Guide: ${shown.title || shown.name}`;
      offer = given;
      guide.dataset.full = 'yes';
      find('.fold').open = true;
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
own.guide = async () => { if (arriving) await arriving; return offer; };
own.offerGuide = async (given) => (given ? arrive(Promise.resolve(given)) : clear());

chooser.addEventListener('change', () => { take(chooser.files[0]); chooser.value = ''; });
guide.addEventListener('click', (event) => {
  const deed = event.target.closest('[data-do]')?.dataset.do;
  if (deed === 'choose') chooser.click();
  if (deed === 'clear') clear();
});
guide.addEventListener('dragover', (event) => event.preventDefault());
guide.addEventListener('drop', (event) => { event.preventDefault(); event.stopPropagation(); take(event.dataTransfer?.files?.[0]); });
