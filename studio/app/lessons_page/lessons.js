// The lessons' page: builds itself from what the server says of a lesson, draws its scenes, and sends back what the visitor does.
// `element`, `server` and `trigger` come from the component that loads this file.

const root = element.querySelector(".lessons");
if (!root || root.dataset.alive) return;
root.dataset.alive = "yes";

const html = (text) => String(text ?? "").replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
const make = (tag, attributes = {}, inside = "") => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined && value !== false) node.setAttribute(name, value);
  node.innerHTML = inside;
  return node;
};
const newSession = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");

const here = {
  course: [],
  lesson: null,
  session: "",
  settings: {},
  hidden: new Set(),
  playing: false,
  scene: null,
  waiting: [],
  busy: false,
  hovered: "",
};

// --- What is remembered in this browser: which lessons were seen, which checks answered ---------------------------------

const remembered = (() => {
  try { return JSON.parse(localStorage.getItem("studio-course") || "{}"); } catch { return {}; }
})();
const remember = () => { try { localStorage.setItem("studio-course", JSON.stringify(remembered)); } catch { /* private window */ } };

// --- The link: #lesson=cafeteria&rate=0.1&hide=noise,menu ---------------------------------------------------------------

const readLink = (hash = location.hash) => {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const name = given.get("lesson");
  if (!name) return null;
  const settings = Object.fromEntries([...given].filter(([key]) => key !== "lesson" && key !== "hide"));
  return { name, settings, hidden: (given.get("hide") || "").split(",").filter(Boolean) };
};
const linkNow = () => {
  const link = new URLSearchParams({ lesson: here.lesson.name });
  for (const knob of here.lesson.knobs) {
    if (knob.name in here.settings && String(here.settings[knob.name]) !== String(knob.default) && String(here.settings[knob.name]).length < 800)
      link.set(knob.name, here.settings[knob.name]);
  }
  if (here.hidden.size) link.set("hide", [...here.hidden].join(","));
  return "#" + link;
};
const writeLink = () => history.replaceState(null, "", linkNow());

// --- The frame of the page ------------------------------------------------------------------------------------------------

root.innerHTML = `
  <nav class="course" aria-label="The course">
    <label class="course-menu"><span>Lesson</span><select aria-label="Choose a lesson"></select></label>
    <ol class="course-list"></ol>
  </nav>
  <article class="lesson" aria-live="off"><p class="loading">One moment …</p></article>`;
const list = root.querySelector(".course-list");
const menu = root.querySelector(".course-menu select");
const page = root.querySelector(".lesson");

const drawCourse = () => {
  list.innerHTML = here.course.map((lesson, i) => {
    const seen = remembered[lesson.name] || {};
    const tick = seen.done ? "✓" : i + 1;
    const now = here.lesson && here.lesson.name === lesson.name ? ' aria-current="page"' : "";
    return `<li><button type="button" data-lesson="${lesson.name}"${now}><span class="number${seen.done ? " done" : ""}">${tick}</span>${html(lesson.title)}</button></li>`;
  }).join("");
  menu.innerHTML = here.course.map((lesson, i) =>
    `<option value="${lesson.name}"${here.lesson && here.lesson.name === lesson.name ? " selected" : ""}>${i + 1}. ${html(lesson.title)}</option>`).join("");
};
list.addEventListener("click", (event) => {
  const button = event.target.closest("[data-lesson]");
  if (button) open(button.dataset.lesson);
});
menu.addEventListener("change", () => open(menu.value));

const open = async (name, settings = {}, hidden = []) => {
  here.playing = false;
  here.waiting = [];
  here.hovered = "";
  const session = newSession();
  here.session = session;
  const answer = await ask({ do: "open", lesson: name, session, settings });
  if (here.session !== session) return;
  if (answer.error) { page.innerHTML = `<p class="says bad">${html(answer.error)}</p>`; return; }
  here.lesson = answer.lesson;
  here.settings = answer.settings;
  here.hidden = new Set(hidden);
  (remembered[name] ||= {}).seen = true;
  if (!here.lesson.checks.length) remembered[name].done = true;
  remember();
  drawCourse();
  drawLesson();
  drawScene(answer.scene);
  writeLink();
  list.querySelector('[aria-current="page"]')?.scrollIntoView({ block: "nearest" });
};

const ask = async (request) => {
  try { return await server.lesson_request(JSON.stringify(request)).then((text) => (typeof text === "string" ? JSON.parse(text) : text)); }
  catch { return { error: "The studio does not answer; is it still running?" }; }
};

// --- A lesson's texts and controls ------------------------------------------------------------------------------------------

const drawLesson = () => {
  const lesson = here.lesson;
  const at = here.course.findIndex((each) => each.name === lesson.name);
  const next = here.course[at + 1];
  page.dataset.lesson = lesson.name;
  page.innerHTML = `
    <header>
      <p class="kicker">Lesson ${at + 1} of ${here.course.length}</p>
      <h2>${html(lesson.title)}</h2>
      <p class="question">${html(lesson.question)}</p>
      <p class="first"><b>Try this:</b> ${html(lesson.first)}</p>
    </header>
    <div class="bench">
      <div class="pushes" role="group" aria-label="Actions"></div>
      <form class="knobs" aria-label="Controls"></form>
      <div class="stage">
        <p class="says" role="status"></p>
        <div class="numbers"></div>
        <div class="figures"></div>
        <div class="tables"></div>
      </div>
    </div>
    <section class="notice"><h3>What to notice</h3><ul>${lesson.notice.map((each) => `<li>${html(each)}</li>`).join("")}</ul></section>
    <section class="checks"></section>
    <section class="formula"><h3>In a formula</h3><pre>${html(lesson.formula)}</pre></section>
    <section class="code"><h3>In Python</h3><button type="button" class="copy">Copy</button><pre><code>${html(lesson.code)}</code></pre></section>
    <section class="use"><h3>Where artists use it</h3><p>${html(lesson.use)}</p></section>
    ${lesson.credits.length ? `<section class="credits"><h3>Credits</h3><ul>${lesson.credits.map((each) => `<li>${html(each)}</li>`).join("")}</ul></section>` : ""}
    <div class="onward">
      ${lesson.tab ? `<button type="button" class="to-tab">Open the ${html(lesson.tab)} tab</button>` : ""}
      <button type="button" class="print">Print</button>
      <button type="button" class="link">Copy a link with these settings</button>
      <details class="hide"><summary>Hide controls in the link</summary><div class="hide-list"></div></details>
      ${next ? `<button type="button" class="next" data-lesson="${next.name}">Next: ${html(next.title)} →</button>` : ""}
    </div>`;
  drawKnobs();
  drawChecks();
  const onward = page.querySelector(".onward");
  onward.querySelector(".next")?.addEventListener("click", () => { open(next.name); root.scrollIntoView({ behavior: "smooth" }); });
  onward.querySelector(".print").addEventListener("click", () => window.print());
  onward.querySelector(".link").addEventListener("click", (event) => copy(location.href.split("#")[0] + linkNow(), event.target));
  onward.querySelector(".to-tab")?.addEventListener("click", () => {
    openTab(lesson.tab);
  });
  page.querySelector(".copy").addEventListener("click", (event) => copy(lesson.code, event.target));
  const hideList = onward.querySelector(".hide-list");
  hideList.innerHTML = lesson.knobs.map((knob) =>
    `<label><input type="checkbox" value="${knob.name}"${here.hidden.has(knob.name) ? " checked" : ""}> ${html(knob.label)}</label>`).join("");
  hideList.addEventListener("change", (event) => {
    if (event.target.checked) here.hidden.add(event.target.value); else here.hidden.delete(event.target.value);
    writeLink();
    drawKnobs();
  });
};

const copy = async (text, button) => {
  const said = button.textContent;
  try { await navigator.clipboard.writeText(text); } catch {
    const area = make("textarea", { style: "position:fixed;opacity:0" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = said; }, 1200);
};

const format = (value) => (typeof value === "number" ? String(+value.toPrecision(6)) : String(value));

const drawKnobs = () => {
  const form = page.querySelector(".knobs");
  form.innerHTML = "";
  const pushes = page.querySelector(".pushes");
  pushes.innerHTML = "";
  const groups = {};
  const placeOf = (knob) => {
    if (!knob.group) return knob.type === "Push" ? pushes : form;
    if (!groups[knob.group]) {
      const group = make("details", { class: "group", "data-group": knob.group }, `<summary>${html(knob.group)}</summary><div></div>`);
      group.open = !here.lesson.folded.includes(knob.group);
      form.append(group);
      groups[knob.group] = group.lastElementChild;
    }
    return groups[knob.group];
  };
  for (const knob of here.lesson.knobs) {
    if (here.hidden.has(knob.name)) continue;
    const value = here.settings[knob.name];
    const help = knob.help ? `<small>${html(knob.help)}</small>` : "";
    const id = `knob-${knob.name}`;
    if (knob.type === "Push") {
      const button = make("button", { type: "button", class: knob.main ? "main" : "", "data-push": knob.name, title: knob.help + (knob.key ? ` (key: ${knob.key})` : "") }, html(knob.label));
      button.addEventListener("click", () => push(knob.name));
      placeOf(knob).append(button);
      continue;
    }
    let box;
    if (knob.type === "Switch") {
      box = make("label", { class: "knob switch" }, `<input type="checkbox" id="${id}"${value ? " checked" : ""}><span>${html(knob.label)}</span>${help}`);
      box.querySelector("input").addEventListener("change", (event) => set(knob.name, event.target.checked));
    } else if (knob.type === "Choice" && knob.icons.length) {
      box = make("div", { class: "knob icons", role: "radiogroup", "aria-label": knob.label }, `<span>${html(knob.label)} <output>${html(value)}</output></span><div>${knob.options.map((each, i) =>
        `<label title="${html(each)}"><input type="radio" name="${id}" value="${html(each)}" aria-label="${html(each)}"${each === value ? " checked" : ""}><svg viewBox="0 0 32 32" aria-hidden="true">${knob.icons[i]}</svg></label>`).join("")}</div>${help}`);
      box.addEventListener("change", (event) => { box.querySelector("output").textContent = event.target.value; set(knob.name, event.target.value); });
    } else if (knob.type === "Choice") {
      box = make("label", { class: "knob" }, `<span>${html(knob.label)}</span><select id="${id}">${knob.options.map((each) =>
        `<option${each === value ? " selected" : ""}>${html(each)}</option>`).join("")}</select>${help}`);
      box.querySelector("select").addEventListener("change", (event) => set(knob.name, event.target.value));
    } else if (knob.type === "Slide") {
      const stops = knob.stops;
      const at = stops.length ? Math.max(0, stops.indexOf(+value)) : value;
      const range = stops.length ? `min="0" max="${stops.length - 1}" step="1"` : `min="${knob.minimum}" max="${knob.maximum}" step="${knob.step}"`;
      box = make("label", { class: "knob" }, `<span>${html(knob.label)} <output>${format(value)}</output></span><input type="range" id="${id}" ${range} value="${at}">${help}`);
      box.querySelector("input").addEventListener("input", (event) => {
        const number = stops.length ? stops[+event.target.value] : +event.target.value;
        box.querySelector("output").textContent = format(number);
        set(knob.name, number);
      });
    } else if (knob.type === "Write") {
      box = make("label", { class: "knob write" }, `<span>${html(knob.label)}</span><textarea id="${id}" rows="${knob.lines}" spellcheck="false"></textarea>${help}`);
      const area = box.querySelector("textarea");
      area.value = value;
      area.addEventListener("change", () => set(knob.name, area.value));
    } else if (knob.type === "Camera") {
      box = make("div", { class: "knob camera" }, `<button type="button" aria-pressed="false">${html(knob.label)}</button><video muted playsinline hidden></video>${help}`);
      box.querySelector("button").addEventListener("click", () => turnCamera(knob, box));
    } else if (knob.type === "Upload") {
      box = make("label", { class: "knob upload" }, `<span>${html(knob.label)}</span><input type="file" id="${id}" accept="${html(knob.accepts)}">${help}`);
      box.querySelector("input").addEventListener("change", async (event) => {
        const file = event.target.files[0];
        if (!file) return;
        if (file.size > 8 * 2 ** 20) return says("The file is larger than 8 MB; make it smaller first.", "bad");
        const bytes = new Uint8Array(await file.arrayBuffer());
        let text = "";
        for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
        send({ name: knob.name, text: file.name, content: btoa(text) });
        event.target.value = "";
      });
    }
    box.dataset.knob = knob.name;
    placeOf(knob).append(box);
  }
};

// The camera: while it is on, the middle of what it sees is sent as a small JPEG, a few times a second and only when the last was answered.
const FRAME = { side: 224, every: 250 };
const turnCamera = async (knob, box) => {
  const button = box.querySelector("button"), video = box.querySelector("video");
  if (video.srcObject) return cameraOff(box, knob);
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 240 }, audio: false });
    await video.play();
  } catch {
    cameraOff(box, knob);
    return says("There is no camera here, or the browser may not use it. Teach by colour, drawing or sliders, or choose a picture file.", "bad");
  }
  video.hidden = false;
  button.textContent = "Camera off";
  button.setAttribute("aria-pressed", true);
  const canvas = make("canvas", { width: FRAME.side, height: FRAME.side });
  const timer = setInterval(() => {
    if (!box.isConnected) { clearInterval(timer); return cameraOff(box, knob); }
    if (!video.srcObject) return clearInterval(timer);
    if (!visible() || here.waiting.some((event) => event.name === knob.name)) return;
    const side = Math.min(video.videoWidth, video.videoHeight);
    if (!side) return;
    // Mirrored, as one knows oneself.
    const brush = canvas.getContext("2d");
    brush.setTransform(-1, 0, 0, 1, FRAME.side, 0);
    brush.drawImage(video, (video.videoWidth - side) / 2, (video.videoHeight - side) / 2, side, side, 0, 0, FRAME.side, FRAME.side);
    send({ name: knob.name, text: "The camera's picture", content: canvas.toDataURL("image/jpeg", 0.8).split(",")[1] });
  }, FRAME.every);
};
const cameraOff = (box, knob) => {
  const button = box.querySelector("button"), video = box.querySelector("video");
  video.srcObject?.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
  video.hidden = true;
  button.textContent = knob.label;
  button.setAttribute("aria-pressed", false);
};

const followKnobs = (values) => {
  for (const [name, value] of Object.entries(values)) {
    here.settings[name] = value;
    const knob = here.lesson.knobs.find((each) => each.name === name);
    if (knob?.icons?.length) {
      const box = page.querySelector(`[data-knob="${CSS.escape(name)}"]`);
      if (!box) continue;
      box.querySelector("output").textContent = value;
      box.querySelectorAll("input").forEach((radio) => { radio.checked = radio.value === value; });
      continue;
    }
    const input = page.querySelector(`#knob-${CSS.escape(name)}`);
    if (!knob || !input || input === document.activeElement) continue;
    if (knob.type === "Switch") input.checked = value;
    else if (knob.type === "Slide") {
      input.value = knob.stops.length ? knob.stops.indexOf(+value) : value;
      input.closest(".knob").querySelector("output").textContent = format(value);
    } else input.value = value;
  }
};

const drawChecks = () => {
  const section = page.querySelector(".checks");
  if (!here.lesson.checks.length) { section.remove(); return; }
  section.innerHTML = "<h3>What will happen if …</h3>" + here.lesson.checks.map((check, i) => `
    <fieldset data-check="${i}"><legend>${html(check.question)}</legend>
      ${check.choices.map((choice, j) => `<button type="button" data-choice="${j}">${html(choice)}</button>`).join("")}
      <p class="why" hidden></p></fieldset>`).join("");
  const answered = (remembered[here.lesson.name] ||= {}).checks || {};
  for (const [i, j] of Object.entries(answered)) showAnswer(+i, +j);
  section.addEventListener("click", (event) => {
    const button = event.target.closest("[data-choice]");
    if (!button) return;
    const i = +button.closest("[data-check]").dataset.check;
    const seen = remembered[here.lesson.name];
    (seen.checks ||= {})[i] = +button.dataset.choice;
    seen.done = here.lesson.checks.every((_, k) => k in seen.checks);
    remember();
    showAnswer(i, +button.dataset.choice);
    drawCourse();
  });
};
const showAnswer = (i, chosen) => {
  const box = page.querySelector(`[data-check="${i}"]`);
  const check = here.lesson.checks[i];
  if (!box || !check) return;
  box.querySelectorAll("[data-choice]").forEach((button, j) => {
    button.classList.toggle("right", j === check.answer);
    button.classList.toggle("wrong", j === chosen && j !== check.answer);
    button.setAttribute("aria-pressed", j === chosen);
  });
  const why = box.querySelector(".why");
  why.hidden = false;
  why.textContent = (chosen === check.answer ? "Yes. " : "Not quite. ") + check.why;
};

// --- What the visitor does, one thing at a time; of several moves of the same thing only the last is sent ----------------

const send = (event) => {
  const same = (other) => other.name === event.name && other.knob === event.knob && other.index === event.index && ["set", "drag", "advance", "hover", "edit"].includes(event.name);
  here.waiting = here.waiting.filter((other) => !same(other));
  here.waiting.push(event);
  turn();
};
const set = (knob, value) => { here.settings[knob] = value; send({ name: "set", knob, value }); writeLink(); };
const push = (name) => send({ name });
const says = (sentence, mood = "plain") => {
  const line = page.querySelector(".says");
  line.textContent = sentence;
  line.className = `says ${mood}`;
};

const turn = async () => {
  if (here.busy) return;
  here.busy = true;
  let ahead = null; // the next advance, asked for already while the last scene is being drawn
  while (ahead || here.waiting.length) {
    const session = ahead ? ahead.session : here.session;
    const started = ahead ? ahead.started : performance.now();
    const answer = await (ahead ? ahead.answer : ask({ do: "event", session, event: here.waiting.shift() }));
    ahead = null;
    if (session !== here.session) continue;
    if (answer.error) { here.playing = false; says(answer.error, "bad"); continue; }
    const goesOn = () => here.playing && !here.waiting.length && visible() && session === here.session;
    const next = () => ({ session, started: performance.now(), answer: ask({ do: "event", session, event: { name: "advance" } }) });
    here.playing = answer.scene.playing;
    if (goesOn() && performance.now() - started >= PACE) ahead = next();
    drawScene(answer.scene);
    if (!ahead && goesOn()) {
      await new Promise((go) => setTimeout(go, Math.max(0, PACE - (performance.now() - started))));
      if (goesOn()) ahead = next();
    }
  }
  here.busy = false;
};
const PACE = 45; // milliseconds from one frame to the next, at least
const visible = () => root.offsetParent !== null && !document.hidden;
document.addEventListener("visibilitychange", () => { if (here.playing && visible()) send({ name: "advance" }); });
setInterval(() => { if (here.playing && !here.busy && visible()) send({ name: "advance" }); }, 500);

document.addEventListener("keydown", (event) => {
  if (!here.lesson || root.offsetParent === null || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const knob = here.lesson.knobs.find((each) => each.type === "Push" && each.key && each.key.toLowerCase() === (event.key === " " ? "space" : event.key.toLowerCase()));
  if (!knob || (event.key === " " && event.target.closest("button"))) return;
  event.preventDefault();
  push(knob.name);
});

// --- Drawing a scene ---------------------------------------------------------------------------------------------------------

const drawScene = (scene) => {
  here.scene = scene;
  here.playing = scene.playing;
  says(scene.says, scene.mood);
  followKnobs(scene.values);
  page.querySelectorAll(".group").forEach((group) => { group.hidden = scene.away.includes(group.dataset.group); });
  page.querySelectorAll("[data-push]").forEach((button) => { button.hidden = scene.away.includes(button.dataset.push); });
  page.querySelectorAll('[data-push="play"]').forEach((button) => {
    const label = here.lesson.knobs.find((knob) => knob.name === "play").label;
    button.textContent = scene.playing ? "Pause" : label;
    button.setAttribute("aria-pressed", scene.playing);
  });
  page.querySelector(".numbers").innerHTML = Object.entries(scene.numbers).map(([name, value]) =>
    `<div><span>${html(name)}</span><b>${html(value)}</b></div>`).join("");
  drawFigures(scene.figures);
  page.querySelector(".tables").innerHTML = scene.tables.map((table) => `
    <div class="table${table.columns.length > 8 ? " dense" : ""}"><table><caption><span>${html(table.title)}</span></caption><thead><tr>${table.columns.map((c, k) => `<th scope="col"${side(table, k)}>${html(c)}</th>`).join("")}</tr></thead>
    <tbody>${table.rows.map((row, i) => `<tr${i === table.chosen ? ' class="chosen"' : ""}>${row.map((cell, k) => `<td${side(table, k)}>${html(cell)}</td>`).join("")}</tr>`).join("")}</tbody></table></div>`).join("");
  scene.sounds.forEach(play);
  scene.files.forEach(hand);
  if (!scene.playing && Object.keys(here.settings).length && location.hash !== linkNow()) writeLink();
  if (scene.visit) visit(scene.visit);
};

// Numbers stand under one another by their last digit, words by their first letter. A column is of words when most of it is.
const side = (table, k) => {
  const words = table.rows.filter((row) => /^[^\d]*[a-zA-Z]{2}|[a-zA-Z]{4}/.test(row[k])).length;
  return words * 2 > table.rows.length ? ' class="words"' : "";
};

// Another tab is opened with what was found here; the server puts it onto that tab's controls.
// Another tab of the page; on a phone some stand in a menu.
const openTab = (name) => {
  const tabs = [...document.querySelectorAll('button[role="tab"], .overflow-dropdown button')];
  tabs.find((each) => each.textContent.trim() === name)?.click();
};
const visit = ({ tab, settings, network, layers }) => {
  trigger(`visit_${tab}`, { settings });
  if (network) window.studio?.desks?.dream?.bringNetwork?.(new File([bytesOf(network)], network.name, { type: network.kind }), layers);
  window.scrollTo({ top: 0 });
};

const bytesOf = (file) => Uint8Array.from(atob(file.content), (c) => c.charCodeAt(0));
const hand = (file) => {
  const url = URL.createObjectURL(new Blob([bytesOf(file)], { type: file.kind }));
  make("a", { href: url, download: file.name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
};

const drawFigures = (figures) => {
  const box = page.querySelector(".figures");
  const columns = here.scene.columns.map((share) => `minmax(0, ${share}fr)`).join(" ");
  box.classList.toggle("columns", columns !== "");
  box.style.setProperty("--columns", columns || "none");
  const names = figures.map((figure) => figure.name).join("|");
  if (box.dataset.names !== names) {
    box.dataset.names = names;
    box.innerHTML = figures.map((figure) => `
      <figure data-figure="${html(figure.name)}" class="${figure.wide ? "wide" : ""}" style="--rows:${figure.rows}">
        <figcaption>${html(figure.title)}</figcaption>
        <div class="sheet"><div class="drawing"></div></div><p class="hint"></p>
        <details><summary>In words</summary><p class="twin"></p></details>
      </figure>`).join("");
    figures.forEach((figure) => attend(box.querySelector(`[data-figure="${CSS.escape(figure.name)}"] .drawing`), figure.name));
  }
  for (const figure of figures) {
    const place = box.querySelector(`[data-figure="${CSS.escape(figure.name)}"]`);
    place.querySelector("figcaption").textContent = figure.title;
    place.querySelector(".hint").textContent = figure.clicks;
    place.querySelector(".twin").textContent = figure.text;
    const drawing = place.querySelector(".drawing");
    if (drawing.dataset.drawing === "now") continue;
    drawing.units = widthOf(drawing, figure);
    redraw(drawing, svg(figure, drawing.units));
    showEntry(place.querySelector(".sheet"), figure, drawing.units);
  }
};

// A drawing is changed where it differs and not made anew: what is pointed at, pressed or focused stays the same thing while it moves.
const redraw = (drawing, text) => {
  if (drawing.text === text && drawing.firstElementChild) return drawing.querySelectorAll(".stroke").forEach((line) => line.remove());
  drawing.text = text;
  const fresh = document.createElement("template");
  fresh.innerHTML = text;
  if (!drawing.firstElementChild) return drawing.append(fresh.content.firstElementChild);
  const key = (thing) => ["press", "node", "link", "drag"].filter((kind) => thing?.dataset?.[kind] !== undefined).map((kind) => `[data-${kind}="${CSS.escape(thing.dataset[kind])}"]`)[0];
  const held = drawing.contains(document.activeElement) ? key(document.activeElement) : undefined;
  patch(drawing.firstElementChild, fresh.content.firstElementChild);
  if (held && key(document.activeElement) !== held) drawing.querySelector(held)?.focus({ preventScroll: true });
};
const patch = (old, now) => {
  if (old.nodeName !== now.nodeName) return old.replaceWith(now);
  if (old.nodeType !== Node.ELEMENT_NODE) { if (old.data !== now.data) old.data = now.data; return; }
  for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (!now.hasAttribute(name)) old.removeAttribute(name);
  const before = [...old.childNodes], after = [...now.childNodes];
  after.forEach((child, i) => (before[i] ? patch(before[i], child) : old.append(child)));
  before.slice(after.length).forEach((child) => child.remove());
};

const showEntry = (sheet, figure, units) => {
  const entry = figure.marks.find((mark) => mark.mark === "entry");
  let form = sheet.querySelector(".entry");
  if (!entry || form?.dataset.entry !== entry.id) { form?.remove(); form = null; }
  if (!entry) return;
  if (!form) {
    form = make("form", { class: "entry", "data-entry": entry.id }, '<label><span></span><input type="number" step="any"></label><button type="button" aria-label="Close">×</button>');
    const input = form.querySelector("input");
    const away = () => send({ name: "edit", figure: figure.name, id: entry.id, value: null });
    input.value = +entry.value.toFixed(4);
    input.addEventListener("input", () => { if (input.value !== "" && Number.isFinite(+input.value)) send({ name: "edit", figure: figure.name, id: entry.id, value: +input.value }); });
    form.addEventListener("submit", (event) => { event.preventDefault(); away(); });
    form.addEventListener("keydown", (event) => { if (event.key === "Escape") away(); });
    form.querySelector("button").addEventListener("click", away);
    sheet.append(form);
    input.focus({ preventScroll: true });
    input.select();
  }
  const f = frame(figure, units);
  form.style.left = `${Math.min(80, Math.max(20, (f.X(entry.x) / units) * 100))}%`;
  form.style.top = `${(f.Y(entry.y) / f.height) * 100}%`;
  form.querySelector("span").textContent = entry.text;
  if (form.querySelector("input") !== document.activeElement) form.querySelector("input").value = +entry.value.toFixed(4);
};

const LEFT = 44, RIGHT = 12, TOP = 10, BOTTOM = 34;
// A drawing is as many units wide as its place has pixels, within limits, so that its letters stay readable on a phone and in a narrow
// column. What is laid out by words inside needs more room than axes do.
const widthOf = (drawing, figure) => Math.round(Math.min(760, Math.max(figure.axes ? 240 : 340, drawing.clientWidth || 600)));
const frame = (figure, width) => {
  const height = width / figure.aspect;
  const [left, right, top, bottom] = figure.axes ? [LEFT, RIGHT, TOP, figure.x_label ? BOTTOM + 14 : BOTTOM] : [4, 4, 4, 4];
  const w = width - left - right, h = height - top - bottom;
  const [x0, x1] = figure.x, [y0, y1] = figure.y;
  return {
    height, left, right, top, bottom, w, h,
    X: (x) => left + ((x - x0) / (x1 - x0)) * w,
    Y: (y) => top + h - ((y - y0) / (y1 - y0)) * h,
    backX: (px) => x0 + ((px - left) / w) * (x1 - x0),
    backY: (py) => y0 + ((top + h - py) / h) * (y1 - y0),
  };
};

const colour = (name) => (/^#|^rgb/.test(name) ? name : `var(--ink-${name}, currentColor)`);
// A letter is about 0.56 of its size wide: what would not fit is set smaller.
const fitting = (text, room, size) => n(Math.max(8.5, Math.min(size, room / (0.56 * Math.max(1, text.length)))));
const pick = (of, i) => (Array.isArray(of) ? of[i] : of);
const n = (value) => value.toFixed(2);

const SHAPES = {
  circle: (x, y, s, c) => `<circle cx="${n(x)}" cy="${n(y)}" r="${s}" fill="${c}" stroke="var(--ground)" stroke-width="1.2"/>`,
  ring: (x, y, s, c) => `<circle cx="${n(x)}" cy="${n(y)}" r="${s}" fill="none" stroke="${c}" stroke-width="2.2"/>`,
  square: (x, y, s, c) => `<rect x="${n(x - s)}" y="${n(y - s)}" width="${2 * s}" height="${2 * s}" rx="1.5" fill="${c}" stroke="var(--ground)" stroke-width="1.2"/>`,
  cross: (x, y, s, c) => `<path d="M${n(x - s)} ${n(y - s)}l${2 * s} ${2 * s}m0 ${-2 * s}l${-2 * s} ${2 * s}" stroke="${c}" stroke-width="2.6" fill="none"/>`,
  apple: (x, y, s, c) => `<g transform="translate(${n(x)} ${n(y)}) scale(${s / 10})"><path d="M0-6C-4-10-11-8-11 0c0 6 5 11 8 11 1.5 0 2-.8 3-.8s1.5.8 3 .8c3 0 8-5 8-11 0-8-7-10-11-6z" fill="${c}" stroke="var(--ground)" stroke-width="1.2"/><path d="M0-6C0-9 1-12 3-13" stroke="var(--ink-ink)" stroke-width="1.6" fill="none"/><path d="M2-11c2-3 6-3 7-2-1 3-5 4-7 2z" fill="var(--ink-three)"/></g>`,
  orange: (x, y, s, c) => `<g transform="translate(${n(x)} ${n(y)}) scale(${s / 10})"><circle r="10.5" fill="${c}" stroke="var(--ground)" stroke-width="1.2"/><circle cx="-3" cy="-3" r=".9" fill="var(--ground)" opacity=".5"/><circle cx="2" cy="-1" r=".9" fill="var(--ground)" opacity=".5"/><circle cx="-1" cy="4" r=".9" fill="var(--ground)" opacity=".5"/><path d="M0-10.5l-2.5-2h5z" fill="var(--ink-three)"/></g>`,
};

const keptPictures = new Map(); // by name: large ones that are sent once
const MARKS = {
  points: (m, f) => m.x.map((x, i) => {
    const body = SHAPES[pick(m.shape, i)](f.X(x), f.Y(m.y[i]), m.size, colour(pick(m.colour, i)));
    const label = m.label[i] ? `<title>${html(m.label[i])}</title>` : "";
    return `<g class="dot"${m.drag ? ` data-drag="${i}" tabindex="0"` : ""}>${label}${body}</g>`;
  }).join(""),
  line: (m, f) => {
    if (!m.x.length) return "";
    const path = m.x.map((x, i) => `${i ? "L" : "M"}${n(f.X(x))} ${n(f.Y(m.y[i]))}`).join("");
    const shade = m.fill ? `<path d="${path}L${n(f.X(m.x.at(-1)))} ${n(f.Y(0))}L${n(f.X(m.x[0]))} ${n(f.Y(0))}Z" fill="${colour(m.colour)}" opacity=".18"/>` : "";
    const name = m.name ? `<text x="${n(f.X(m.x.at(-1)) - 4)}" y="${n(f.Y(m.y.at(-1)) - 7)}" text-anchor="end" fill="${colour(m.colour)}" font-size="13">${html(m.name)}</text>` : "";
    return `${shade}<path d="${path}" fill="none" stroke="${colour(m.colour)}" stroke-width="${m.width}" stroke-linejoin="round"${m.dash ? ' stroke-dasharray="6 5"' : ""}/>${name}`;
  },
  bars: (m, f) => m.x.map((x, i) => {
    const left = f.X(x - m.width / 2), right = f.X(x + m.width / 2), y = f.Y(m.y[i]), ground = f.Y(0);
    const apart = m.x.length > 1 ? Math.abs(f.X(m.x[1]) - f.X(m.x[0])) : f.w;
    const longest = m.label.reduce((found, each) => (each && each.length > found.length ? each : found), "");
    const text = m.label[i] ? `<text x="${n((left + right) / 2)}" y="${n(f.top + f.h + 16)}" text-anchor="middle" fill="var(--ink-ink)" font-size="${fitting(longest, apart - 2, 12.5)}">${html(m.label[i])}</text>` : "";
    return `<rect x="${n(left)}" y="${n(Math.min(y, ground))}" width="${n(right - left)}" height="${n(Math.max(Math.abs(ground - y), 0.5))}" rx="2" fill="${colour(pick(m.colour, i))}"/>${text}`;
  }).join(""),
  heat: (m, f) => {
    const [x0, x1, y0, y1] = m.extent;
    return `<image href="${heatUrl(m.values, m.steps, m.scale)}" x="${n(f.X(x0))}" y="${n(f.Y(y1))}" width="${n(f.X(x1) - f.X(x0))}" height="${n(f.Y(y0) - f.Y(y1))}" preserveAspectRatio="none" style="image-rendering:${m.pixelated ? "pixelated" : "auto"}"/>`;
  },
  picture: (m, f) => {
    const [x0, x1, y0, y1] = m.extent;
    if (m.name && m.url) keptPictures.set(m.name, m.url);
    return `<image href="${m.url || keptPictures.get(m.name) || ""}" x="${n(f.X(x0))}" y="${n(f.Y(y1))}" width="${n(f.X(x1) - f.X(x0))}" height="${n(f.Y(y0) - f.Y(y1))}" preserveAspectRatio="none"${m.pixelated ? ' style="image-rendering:pixelated"' : ""}><title>${html(m.text)}</title></image>`;
  },
  words: (m, f) => m.x.map((x, i) =>
    `<text x="${n(f.X(x))}" y="${n(f.Y(m.y[i]))}" text-anchor="${m.anchor}" dominant-baseline="middle" fill="${colour(pick(m.colour, i))}" font-size="${m.size}">${html(m.text[i])}</text>`).join(""),
  arrow: (m, f) => {
    const [x0, y0, x1, y1] = [f.X(m.start[0]), f.Y(m.start[1]), f.X(m.end[0]), f.Y(m.end[1])];
    const length = Math.hypot(x1 - x0, y1 - y0);
    if (length < 1) return "";
    const [ux, uy] = [(x1 - x0) / length, (y1 - y0) / length], head = Math.min(9, length / 2);
    return `<path d="M${n(x0)} ${n(y0)}L${n(x1)} ${n(y1)}M${n(x1 - head * ux + head * 0.5 * uy)} ${n(y1 - head * uy - head * 0.5 * ux)}L${n(x1)} ${n(y1)}L${n(x1 - head * ux - head * 0.5 * uy)} ${n(y1 - head * uy + head * 0.5 * ux)}" fill="none" stroke="${colour(m.colour)}" stroke-width="${m.width}" stroke-linecap="round" stroke-linejoin="round"/>`;
  },
  node: (m, f) => {
    const x = f.X(m.x), y = f.Y(m.y), s = m.size;
    const inside = m.heat ? `<image href="${heatUrl(m.heat, false, "diverging")}" x="${n(x - s)}" y="${n(y - s)}" width="${2 * s}" height="${2 * s}" preserveAspectRatio="none"/>` : "";
    const bias = m.bias === null || m.bias === undefined ? "" : `<g class="link" data-link="${html(m.id)}:bias" tabindex="-1" role="button" aria-label="bias of ${html(m.id)}, ${m.bias.toFixed(2)}"><title>bias ${m.bias.toFixed(3)}</title><rect x="${n(x - s - 11)}" y="${n(y + s - 9)}" width="14" height="14" fill="transparent"/>
      <rect x="${n(x - s - 7)}" y="${n(y + s - 5)}" width="6" height="6" fill="${colour(m.bias > 0 ? "one" : "two")}" opacity="${n(Math.min(1, 0.25 + Math.abs(m.bias)))}"/></g>`;
    return `<g class="node${m.dim ? " dim" : ""}" data-node="${html(m.id)}" tabindex="0" role="button" aria-label="neuron ${html(m.text || m.id)}">
      <rect x="${n(x - s)}" y="${n(y - s)}" width="${2 * s}" height="${2 * s}" rx="4" fill="var(--ground-2)"/>${inside}
      <rect x="${n(x - s)}" y="${n(y - s)}" width="${2 * s}" height="${2 * s}" rx="4" fill="none" stroke="${m.chosen ? "var(--ink-accent)" : "var(--ink-faint)"}" stroke-width="${m.chosen ? 2.6 : 1}"/>${bias}
      ${m.text ? `<text x="${n(x - s - 6)}" y="${n(y)}" text-anchor="end" dominant-baseline="middle" fill="var(--ink-ink)" font-size="12.5">${html(m.text)}</text>` : ""}</g>`;
  },
  link: (m, f, nodes) => {
    const a = nodes[m.start], b = nodes[m.end];
    if (!a || !b) return "";
    const [x0, y0, x1, y1] = [f.X(a.x) + a.size, f.Y(a.y), f.X(b.x) - b.size, f.Y(b.y)], bend = (x1 - x0) / 2;
    const width = Math.min(9, 0.6 + Math.abs(m.weight) * 1.8);
    const d = `M${n(x0)} ${n(y0)}C${n(x0 + bend)} ${n(y0)} ${n(x1 - bend)} ${n(y1)} ${n(x1)} ${n(y1)}`;
    const line = m.chosen ? "var(--ink-accent)" : colour(m.weight >= 0 ? "one" : "two");
    return `<g class="link${m.dim ? " dim" : ""}" data-link="${html(m.id)}" tabindex="${m.id === f.firstLink ? 0 : -1}" role="button" aria-label="weight from ${html(m.start)} to ${html(m.end)}, ${m.weight.toFixed(2)}"><title>weight ${m.weight.toFixed(3)}</title><path d="${d}" fill="none" stroke="transparent" stroke-width="11"/>
      <path d="${d}" fill="none" stroke="${line}" stroke-width="${n(width)}" opacity="${m.chosen ? 1 : n(Math.min(0.95, 0.3 + Math.abs(m.weight) / 2))}"/></g>`;
  },
  button: (m, f) => `<g class="press${m.dim ? " off" : ""}${m.chosen ? " chosen" : ""}" data-press="${html(m.id)}" tabindex="${m.dim ? -1 : 0}" role="button" aria-label="${html(m.help)}" aria-disabled="${m.dim}"><title>${html(m.help)}</title>
    <circle cx="${n(f.X(m.x))}" cy="${n(f.Y(m.y))}" r="${m.size}"${m.colour ? ` style="fill:${colour(m.colour)}"` : ""}/><text x="${n(f.X(m.x))}" y="${n(f.Y(m.y) + 1)}" text-anchor="middle" dominant-baseline="middle" font-size="${n(m.size * 1.4)}">${html(m.text)}</text></g>`,
  entry: () => "",
};

const svg = (figure, width) => {
  const f = frame(figure, width);
  f.firstLink = figure.marks.find((m) => m.mark === "link")?.id;
  const nodes = Object.fromEntries(figure.marks.filter((m) => m.mark === "node").map((m) => [m.id, m]));
  const marks = figure.marks.map((m) => MARKS[m.mark](m, f, nodes)).join("");
  const role = figure.marks.some((m) => m.mark === "node" || m.mark === "button" || m.drag) ? "group" : "img";
  return `<svg viewBox="0 0 ${width} ${n(f.height)}" role="${role}" aria-label="${html(figure.title)}" style="touch-action:${figure.draws ? "none" : "pan-y"}">
    ${figure.axes ? axes(figure, f) : ""}<clipPath id="clip-${html(figure.name)}"><rect x="${f.left - 1}" y="${f.top - 1}" width="${n(f.w + 2)}" height="${n(f.h + 2)}"/></clipPath>
    ${figure.axes ? `<g clip-path="url(#clip-${html(figure.name)})">${figure.marks.filter((m) => m.mark !== "bars").map((m) => MARKS[m.mark](m, f, nodes)).join("")}</g>${figure.marks.filter((m) => m.mark === "bars").map((m) => MARKS[m.mark](m, f, nodes)).join("")}` : marks}
  </svg>`;
};

const axes = (figure, f) => {
  const line = (x0, y0, x1, y1) => `<path d="M${n(x0)} ${n(y0)}L${n(x1)} ${n(y1)}" stroke="var(--line)" stroke-width="1"/>`;
  const barred = figure.marks.some((m) => m.mark === "bars" && m.label.length);
  const across = barred ? [] : ticks(figure.x, f.w < 220 ? 3 : 5), up = ticks(figure.y);
  return [
    ...up.map((y) => line(f.left, f.Y(y), f.left + f.w, f.Y(y)) + `<text x="${f.left - 7}" y="${n(f.Y(y))}" text-anchor="end" dominant-baseline="middle" fill="var(--ink-faint)" font-size="11.5">${format(y)}</text>`),
    ...across.map((x) => line(f.X(x), f.top + f.h, f.X(x), f.top + f.h + 4) + `<text x="${n(f.X(x))}" y="${n(f.top + f.h + 17)}" text-anchor="middle" fill="var(--ink-faint)" font-size="11.5">${format(x)}</text>`),
    line(f.left, f.top + f.h, f.left + f.w, f.top + f.h),
    figure.x_label ? `<text x="${n(f.left + f.w / 2)}" y="${n(f.height - 6)}" text-anchor="middle" fill="var(--ink-faint)" font-size="${fitting(figure.x_label, f.w, 12.5)}">${html(figure.x_label)}</text>` : "",
    figure.y_label ? `<text transform="translate(12 ${n(f.top + f.h / 2)}) rotate(-90)" text-anchor="middle" fill="var(--ink-faint)" font-size="${fitting(figure.y_label, f.h, 12.5)}">${html(figure.y_label)}</text>` : "",
  ].join("");
};
const ticks = ([low, high], about = 5) => {
  const span = high - low;
  if (!(span > 0)) return [];
  const rough = span / about, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough);
  const found = [];
  for (let t = Math.ceil(low / step) * step; t <= high + 1e-9 * span; t += step) found.push(+t.toPrecision(12));
  return found;
};

// Heat maps: a small canvas painted cell by cell, then stretched. Values come as base64 bytes: 0 is -1, 255 is +1.
const RAMP = { one: [242, 160, 61], two: [74, 163, 223], ground: [34, 33, 42] };
const painted = new Map(); // what was painted lately: grids that stay as they are need not be painted again
const heatUrl = (grid, steps, scale) => {
  const key = `${grid.columns} ${steps} ${scale} ${grid.bytes}`;
  let url = painted.get(key);
  painted.delete(key);
  url ||= paint(grid, steps, scale);
  painted.set(key, url);
  if (painted.size > 96) painted.delete(painted.keys().next().value);
  return url;
};
const paint = (grid, steps, scale) => {
  const bytes = Uint8Array.from(atob(grid.bytes), (c) => c.charCodeAt(0));
  const canvas = document.createElement("canvas");
  canvas.width = grid.columns;
  canvas.height = grid.rows;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(grid.columns, grid.rows);
  for (let row = 0; row < grid.rows; row++) for (let column = 0; column < grid.columns; column++) {
    const byte = bytes[row * grid.columns + column], at = ((grid.rows - 1 - row) * grid.columns + column) * 4;
    if (scale === "colour") {
      for (let k = 0; k < 3; k++) pixels.data[at + k] = bytes[(row * grid.columns + column) * 3 + k];
      pixels.data[at + 3] = 255;
      continue;
    }
    if (scale === "light") { pixels.data.fill(byte, at, at + 3); pixels.data[at + 3] = 255; continue; }
    let value = byte / 127.5 - 1;
    if (steps) value = value >= 0 ? 0.75 : -0.75;
    const far = RAMP[value >= 0 ? "one" : "two"], share = Math.abs(value);
    for (let k = 0; k < 3; k++) pixels.data[at + k] = RAMP.ground[k] + (far[k] - RAMP.ground[k]) * share;
    pixels.data[at + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
  return canvas.toDataURL();
};

// --- Clicking, dragging, drawing on a figure -----------------------------------------------------------------------------

const attend = (drawing, name) => {
  const figure = () => here.scene.figures.find((each) => each.name === name);
  const at = (event) => {
    const box = drawing.firstElementChild.getBoundingClientRect();
    const f = frame(figure(), drawing.units);
    return [f.backX(((event.clientX - box.left) / box.width) * drawing.units), f.backY(((event.clientY - box.top) / box.height) * f.height)];
  };
  let dragged = -1, stroke = null;
  drawing.addEventListener("pointerdown", (event) => {
    const dot = event.target.closest("[data-drag]");
    if (dot) { dragged = +dot.dataset.drag; drawing.setPointerCapture(event.pointerId); event.preventDefault(); return; }
    if (figure().draws && !event.target.closest("[data-press]")) {
      stroke = [at(event)];
      drawing.dataset.drawing = "now";
      drawing.setPointerCapture(event.pointerId);
      event.preventDefault();
    }
  });
  drawing.addEventListener("pointermove", (event) => {
    if (dragged >= 0) { const [x, y] = at(event); send({ name: "drag", figure: name, index: dragged, x, y }); }
    else if (stroke) {
      stroke.push(at(event));
      const f = frame(figure(), drawing.units), [a, b] = stroke.slice(-2);
      const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
      line.setAttribute("d", `M${f.X(a[0])} ${f.Y(a[1])}L${f.X(b[0])} ${f.Y(b[1])}`);
      line.setAttribute("class", "stroke");
      drawing.firstElementChild.append(line);
    }
  });
  const points = (event, id) => {
    if (!figure()?.hovers || here.hovered === id || event.pointerType === "touch") return;
    here.hovered = id;
    send({ name: "hover", figure: name, id });
  };
  const under = (event) => {
    const found = event.target.closest("[data-link], [data-node]");
    return found ? found.dataset.link || found.dataset.node : "";
  };
  drawing.addEventListener("pointermove", (event) => points(event, under(event)));
  drawing.addEventListener("pointerleave", (event) => points(event, ""));
  drawing.addEventListener("focusin", (event) => { if (event.target.matches(":focus-visible")) points(event, under(event)); });
  const end = (event) => {
    if (dragged >= 0) { dragged = -1; return; }
    if (stroke) {
      delete drawing.dataset.drawing;
      send({ name: "stroke", figure: name, points: stroke });
      stroke = null;
    }
  };
  drawing.addEventListener("pointerup", end);
  drawing.addEventListener("pointercancel", end);
  drawing.addEventListener("click", (event) => {
    const node = event.target.closest("[data-node]"), link = event.target.closest("[data-link]"), button = event.target.closest("[data-press]");
    if (button) return send({ name: "press", figure: name, id: button.dataset.press });
    if (link) return send({ name: "link", figure: name, id: link.dataset.link, shift: event.shiftKey });
    if (node) return send({ name: "node", figure: name, id: node.dataset.node, shift: event.shiftKey });
    const shown = figure();
    if (!shown.clicks || shown.draws || event.target.closest("[data-drag]")) return;
    const [x, y] = at(event);
    if (x < shown.x[0] || x > shown.x[1] || y < shown.y[0] || y > shown.y[1]) return;
    send({ name: "click", figure: name, x, y, shift: event.shiftKey });
  });
  drawing.addEventListener("keydown", (event) => {
    const dot = event.target.closest("[data-drag]"), node = event.target.closest("[data-node]");
    const button = event.target.closest("[data-press]");
    // One weight of a drawing is in the tab order; the arrows go from it to the next, biases last, and Enter opens it.
    const link = event.target.closest("[data-link]");
    if (link && ["Enter", " "].includes(event.key)) {
      event.preventDefault();
      event.stopPropagation();
      return send({ name: "link", figure: name, id: link.dataset.link });
    }
    if (link && event.key.startsWith("Arrow")) {
      event.preventDefault();
      const all = [...drawing.querySelectorAll("[data-link]")].sort((a, b) => a.dataset.link.endsWith(":bias") - b.dataset.link.endsWith(":bias"));
      const way = ["ArrowRight", "ArrowDown"].includes(event.key) ? 1 : -1;
      return all[(all.indexOf(link) + way + all.length) % all.length].focus();
    }
    if ((node || button) && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      send(button ? { name: "press", figure: name, id: button.dataset.press } : { name: "node", figure: name, id: node.dataset.node });
    }
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!dot || !step) return;
    event.preventDefault();
    const shown = figure(), index = +dot.dataset.drag, points = shown.marks.find((m) => m.mark === "points" && m.drag);
    send({ name: "drag", figure: name, index, x: points.x[index] + (step[0] * (shown.x[1] - shown.x[0])) / 50, y: points.y[index] + (step[1] * (shown.y[1] - shown.y[0])) / 50 });
  });
};

// --- Sound -----------------------------------------------------------------------------------------------------------------

let audio = null;
const play = (sound) => {
  audio ||= new AudioContext();
  const tone = audio.createOscillator(), volume = audio.createGain(), start = audio.currentTime + sound.after;
  tone.type = sound.timbre;
  tone.frequency.value = 440 * 2 ** ((sound.pitch - 69) / 12);
  volume.gain.setValueAtTime(sound.loudness * 0.4, start);
  volume.gain.exponentialRampToValueAtTime(0.001, start + sound.seconds);
  tone.connect(volume).connect(audio.destination);
  tone.start(start);
  tone.stop(start + sound.seconds);
};

let resized = 0;
window.addEventListener("resize", () => {
  clearTimeout(resized);
  resized = setTimeout(() => { if (here.scene && root.offsetParent !== null) drawFigures(here.scene.figures); }, 150);
});

// --- Begin -----------------------------------------------------------------------------------------------------------------

const begin = async () => {
  const answer = await ask({ do: "course" });
  if (answer.error) { page.innerHTML = `<p class="says bad">${html(answer.error)}</p>`; return; }
  here.course = answer.course;
  drawCourse();
  const link = readLink();
  const last = Object.keys(remembered).filter((name) => here.course.some((each) => each.name === name)).at(-1);
  if (link && here.course.some((each) => each.name === link.name)) await open(link.name, link.settings, link.hidden);
  else await open(last || here.course[0].name);
};
// A link followed inside the page opens its lesson as it does in a new window.
window.addEventListener("hashchange", ({ newURL }) => {
  // Not from location: a lesson that plays may have written its own link over it by now.
  const { hash } = new URL(newURL);
  const link = readLink(hash);
  if (!link || !here.lesson) return;
  openTab("Lessons");
  if (hash !== linkNow()) open(link.name, link.settings, link.hidden);
});
// On paper nothing unfolds: every figure's words are printed with it.
matchMedia("print").addEventListener("change", ({ matches }) => {
  page.querySelectorAll("figure details").forEach((words) => {
    if (matches) words.dataset.was = words.open;
    words.open = matches || words.dataset.was === "true";
  });
});
// The first lesson opens when it is first seen: until then nothing is asked of the server, and nothing loads torch there.
const firstSight = new IntersectionObserver((seen) => {
  if (!seen.some((each) => each.isIntersecting)) return;
  firstSight.disconnect();
  begin();
});
firstSight.observe(root);
