// A control that is the camera: while it is on, the middle of what it sees is sent as a small JPEG, a few times a
// second, and only when the last one was answered.

import { find, pen } from '../dom.js';
import { build, html } from './text.js';

/** @import { Lessons } from './lessons' */
/** @import { Knob } from './types' */

const SIDE = 224;
const EVERY = 250; // milliseconds
const NO_CAMERA = 'There is no camera here, or the browser may not use it. '
  + 'Teach by colour, drawing or sliders, or choose a picture file.';

/**
 * @param {Lessons} lessons
 * @param {Knob} knob
 * @param {string} help as HTML
 */
export function cameraKnob(lessons, knob, help) {
  const box = build('div', { class: 'knob camera' },
    `<button type="button" aria-pressed="false">${html(knob.label)}</button><video muted playsinline hidden></video>${help}`);
  find(box, 'button').addEventListener('click', () => turn(lessons, knob, box));
  return box;
}

/**
 * @param {Lessons} lessons
 * @param {Knob} knob
 * @param {HTMLElement} box
 */
async function turn(lessons, knob, box) {
  const button = find(box, 'button');
  const video = find(box, 'video', HTMLVideoElement);
  if (video.srcObject) return off(knob, box);
  try {
    const size = { width: 320, height: 240 };
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: size, audio: false });
    await video.play();
  } catch {
    off(knob, box);
    return lessons.says(NO_CAMERA, 'bad');
  }
  video.hidden = false;
  button.textContent = 'Camera off';
  button.setAttribute('aria-pressed', 'true');
  const canvas = build('canvas', { width: SIDE, height: SIDE });
  const timer = setInterval(() => {
    if (!box.isConnected) off(knob, box);
    if (!video.srcObject) return clearInterval(timer);
    if (!lessons.talk.visible() || lessons.talk.waitsFor(knob.name) || !video.videoWidth) return undefined;
    const content = shot(video, canvas);
    return lessons.talk.send({ name: knob.name, text: "The camera's picture", content });
  }, EVERY);
  return undefined;
}

/**
 * The middle of what the camera sees, mirrored as one knows oneself; a JPEG in base64.
 *
 * @param {HTMLVideoElement} video
 * @param {HTMLCanvasElement} canvas
 */
function shot(video, canvas) {
  const side = Math.min(video.videoWidth, video.videoHeight);
  const [left, top] = [(video.videoWidth - side) / 2, (video.videoHeight - side) / 2];
  const brush = pen(canvas);
  brush.setTransform(-1, 0, 0, 1, SIDE, 0);
  brush.drawImage(video, left, top, side, side, 0, 0, SIDE, SIDE);
  return canvas.toDataURL('image/jpeg', 0.8).split(',')[1];
}

/**
 * @param {Knob} knob
 * @param {HTMLElement} box
 */
function off(knob, box) {
  const button = find(box, 'button');
  const video = find(box, 'video', HTMLVideoElement);
  const stream = video.srcObject;
  if (stream instanceof MediaStream) stream.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
  video.hidden = true;
  button.textContent = knob.label;
  button.setAttribute('aria-pressed', 'false');
}
