// The camera of the visitor's device: looked through, and one photo taken.

import { make, pen } from './dom.js';

export class Camera {
  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.video = video;
    /** @type {MediaStream | null} */
    this.stream = null;
  }

  static there() {
    return Boolean(navigator.mediaDevices?.getUserMedia);
  }

  /** Throws when there is none, or when the page may not use it. */
  async open() {
    const size = { width: { ideal: 1920 }, height: { ideal: 1440 } };
    this.stream = await navigator.mediaDevices.getUserMedia({ video: size });
    this.video.srcObject = this.stream;
    await this.video.play();
  }

  close() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = this.video.srcObject = null;
  }

  /** What it sees now. @returns {Promise<File>} */
  shoot() {
    const { video } = this;
    const still = make('canvas', { width: video.videoWidth, height: video.videoHeight });
    pen(still).drawImage(video, 0, 0);
    return new Promise((done) => {
      const keep = (/** @type {Blob | null} */ blob) =>
        done(new File([blob ?? ''], 'camera.jpg', { type: 'image/jpeg' }));
      still.toBlob(keep, 'image/jpeg', 0.95);
    });
  }
}
