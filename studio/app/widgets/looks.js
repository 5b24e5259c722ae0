// The looks: presets as pictures, one of which is chosen. Native radio buttons, so arrows, Tab and screen readers work as they always do.
const cards = find('.cards');
const sentence = find('.sentence');
const name = `look-${Math.random().toString(36).slice(2)}`;
let current = props.value;  // what a person chose last: the server's "as it is" leaves that standing, however late it comes

for (const look of props.looks) {
  const radio = make('input', {type: 'radio', name, value: look.name, 'aria-describedby': `${name}-${look.name}`});
  radio.addEventListener('change', () => {
    props.value = current = look.name;
    tell(look);
    trigger('choose', {name: look.name});
  });
  const card = make('label', {class: 'look', title: look.sentence},
    radio,
    make(look.picture ? 'img' : 'i', {class: 'picture', src: look.picture || null, alt: look.picture ? '' : null, loading: 'lazy', draggable: 'false'}),
    make('span', {class: 'name'}, look.label),
    make('span', {class: 'hidden', id: `${name}-${look.name}`}, look.sentence));
  card.addEventListener('pointerenter', () => tell(look));
  card.addEventListener('pointerleave', () => tell(chosen()));
  cards.append(card);
}

const chosen = () => props.looks.find((look) => look.name === props.value);
const tell = (look) => { sentence.textContent = look ? look.sentence : 'No look: the settings below are your own.'; };
const mark = () => {
  for (const radio of all('input')) radio.checked = radio.value === props.value;
  tell(chosen());
};
watch('value', () => {
  if (props.value === 'as it is') { props.value = current; return; }
  current = props.value;
  mark();
});
mark();
