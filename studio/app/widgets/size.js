// The size of the result: a number that can be typed, common ones at a click, and the photo's own.
const OWN = 'own';
const box = find('input');
const chips = find('.chips');
find('.info').textContent = props.info;
box.min = props.min;
box.max = props.max;

const mark = () => {
  const own = props.value === OWN || props.value == null;
  box.value = own ? '' : props.value;
  box.placeholder = own ? 'own' : '';
  for (const chip of all('button')) chip.setAttribute('aria-pressed', chip.dataset.size === String(own ? OWN : props.value));
};
for (const size of [...props.offered, OWN]) {
  chips.append(make('button', {type: 'button', class: 'small', 'data-size': size, onclick: () => { props.value = size; mark(); }},
    size === OWN ? 'Photo’s own' : String(size)));
}
box.addEventListener('input', () => { props.value = box.value === '' ? OWN : Number(box.value); });
box.addEventListener('change', mark);
let current = props.value;
watch('value', () => {
  if (props.value === 'as it is') { props.value = current; return; }
  current = props.value;
  if (document.activeElement !== box) mark();
});
mark();
