// What the server fills into fields, and what somebody writes meanwhile. A fill takes a while: the settings of an
// earlier work, of an address or of a look come when the visitor may have gone on. A field that was changed since the
// press, or since the page came, keeps what it was changed to.
//
// Gradio has no place where an answer could be looked at before it is shown, so this looks at what Gradio fetches. It
// runs before Gradio does, and imports nothing. `tests/app/test_gradio_patches.py` looks at what it relies on.

export {};

/** @typedef {{id: number, targets: [number, string][], outputs: number[]}} Handler of an event, as Gradio describes it */
/** @typedef {{outputs: number[], since: number}} Cause which fields a request fills, and when it was made, in milliseconds */
/** @typedef {{fn_index: number, trigger_id?: number | null, event_data?: {since?: unknown} | null}} Asked */

/** Events of a page, or of a tab, that has just come: somebody may have been quicker. */
const COMING = ['load', 'ready'];

/** What Gradio shows nothing new for. */
const NOTHING = { __type__: 'update' };

/** @type {Map<number, number>} a component -> when somebody changed it last, in milliseconds */
const changed = new Map();

/** @type {Map<number, number>} a component -> when it was filled last */
const filled = new Map();

/** @type {Map<string, Cause>} requests in Gradio's queue, by what their answers call them */
const waiting = new Map();

/** @type {Set<Promise<unknown>>} requests that are on their way to the queue */
const onTheirWay = new Set();

/** Begins the id of a component, before its number: `gradio_patches.name_fields`. */
const FIELD = 'field-';

/** @param {Event} event */
function touch(event) {
  const block = event.target instanceof Element ? event.target.closest(`[id^=${FIELD}]`) : null;
  // A widget of ours says so itself: it may hold more than what it is the field for.
  if (!block || (event.type !== 'kept' && block.matches('.widget'))) return;
  if (event.type === 'click' || event.type === 'mousedown') {
    // A choice of a list, a value that is taken out or set back: fields of Gradio's that no `input` tells of.
    if (!(event.target instanceof Element && event.target.closest('button, [role=option], [role=button], .token-remove'))) return;
  }
  if (event instanceof KeyboardEvent && !['Enter', 'Backspace', 'Delete'].includes(event.key)) return;
  changed.set(Number(block.id.slice(FIELD.length)), performance.now());
}

for (const name of ['input', 'change', 'drop', 'click', 'mousedown', 'keydown', 'kept']) {
  document.addEventListener(name, touch, { capture: true });
}

/** @param {string} body of a request @returns {Cause | null} */
function causeOf(body) {
  /** @type {Asked} */
  const { fn_index: index, trigger_id: target, event_data: told } = JSON.parse(body);
  /** @type {{gradio_config?: {dependencies: Handler[]}}} */
  const { gradio_config: config } = /** @type {any} */ (window);
  const handler = config?.dependencies.find(({ id }) => id === index);
  if (!handler) return null;
  const now = performance.now();
  if (handler.targets.length && handler.targets.every(([, name]) => COMING.includes(name))) return { outputs: handler.outputs, since: 0 };
  if (typeof told?.since === 'number') return { outputs: handler.outputs, since: told.since };
  // What a field's own change asks for was asked for by then; Gradio may have sent it later.
  const pressed = target == null ? 0 : changed.get(target) ?? 0;
  const itself = target != null && pressed > (filled.get(target) ?? 0);
  return { outputs: handler.outputs, since: itself ? pressed : now };
}

/**
 * The values of an answer, without those for fields that somebody has changed since.
 *
 * @param {Cause} cause
 * @param {any[]} values
 */
function spare({ outputs, since }, values) {
  return values.map((value, place) => {
    const id = outputs[place];
    const update = value?.__type__ === 'update';
    if (update && !('value' in value)) return value;
    if ((changed.get(id) ?? -1) <= since) {
      filled.set(id, performance.now());
      return value;
    }
    if (!update) return NOTHING;
    const { value: _, ...others } = value; // what there is to choose from is news still
    return others;
  });
}

/** @param {string} line of the stream in which Gradio sends its answers */
async function spareLine(line) {
  if (!line.startsWith('data:') || !line.includes('"process_completed"')) return line;
  const told = JSON.parse(line.slice('data:'.length));
  // The answer may be quicker than the word under which name it will come.
  while (!waiting.has(told.event_id) && onTheirWay.size) await Promise.race(onTheirWay);
  const cause = waiting.get(told.event_id);
  waiting.delete(told.event_id);
  if (!cause || !Array.isArray(told.output?.data)) return line;
  told.output.data = spare(cause, told.output.data);
  return `data: ${JSON.stringify(told)}`;
}

/** @param {Response} stream */
function sparing(stream) {
  if (!stream.body) return stream;
  let rest = '';
  const lines = new TransformStream({
    async transform(/** @type {string} */ text, /** @type {TransformStreamDefaultController<string>} */ out) {
      const found = (rest + text).split('\n');
      rest = found.pop() ?? '';
      for (const line of found) out.enqueue(`${await spareLine(line)}\n`);
    },
    flush(/** @type {TransformStreamDefaultController<string>} */ out) { out.enqueue(rest); },
  });
  const body = stream.body.pipeThrough(new TextDecoderStream()).pipeThrough(lines).pipeThrough(new TextEncoderStream());
  return new Response(body, stream);
}

const fetched = window.fetch.bind(window);

/** @type {typeof window.fetch} */
window.fetch = async (input, init) => {
  const address = input instanceof Request ? input.url : String(input);
  if (address.includes('/gradio_api/queue/data')) return sparing(await fetched(input, init));
  const queued = address.includes('/gradio_api/queue/join');
  if (typeof init?.body !== 'string' || !(queued || address.includes('/gradio_api/run/'))) return fetched(input, init);
  const cause = causeOf(init.body);
  const answering = fetched(input, init);
  if (!cause) return answering;
  if (!queued) {
    const answer = await answering;
    const told = answer.ok ? await answer.clone().json() : null;
    if (!Array.isArray(told?.data)) return answer;
    return new Response(JSON.stringify({ ...told, data: spare(cause, told.data) }), answer);
  }
  const joined = answering.then(async (answer) => {
    if (answer.ok) waiting.set((await answer.clone().json()).event_id, cause);
    return answer;
  });
  const settled = joined.then(() => {}, () => {}).finally(() => onTheirWay.delete(settled));
  onTheirWay.add(settled);
  return joined;
};
