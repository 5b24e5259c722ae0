// Who this is: a number that this browser made up, so that the queue can tell a visitor's own works from others'. It
// says nothing of a person, and is no password.

const KEY = 'studio-visitor';

/** Makes the number where there is none yet, and sends it along with whatever is asked of the studio from now on. */
export function visitor() {
  let number = '';
  try {
    number = localStorage.getItem(KEY) ?? '';
  } catch { /* a browser that keeps nothing */ }
  if (!/^[0-9a-f]{32}$/.test(number)) {
    number = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    try {
      localStorage.setItem(KEY, number);
    } catch { /* then it lasts as long as the page */ }
  }
  document.cookie = `${KEY}=${number}; path=/; max-age=31536000; samesite=lax`;
  return number;
}
