// Text as such: without its white edges, not empty, not too long; and the steps of a JSON Pointer.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

// The engine has no `\p{…}`: these are the characters of White_Space.
export const WHITE = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000";
const EDGES = new RegExp(`^[${WHITE}]+|[${WHITE}]+$`, "g");
const BETWEEN = new RegExp(`[${WHITE}]+`);

/** Without what Unicode calls White_Space at both ends. What is no text is empty: vendors send what they will. */
export function trim(text) {
  if (typeof text !== "string") return "";
  // Most texts begin and end with a letter or a digit, and need no expression.
  return isPlain(text.charCodeAt(0)) && isPlain(text.charCodeAt(text.length - 1)) ? text : text.replace(EDGES, "");
}

const isPlain = (code) => code > 0x20 && code < 0x7f;

/** The trimmed text, or undefined if nothing is left. */
export const filled = (text) => trim(text) || undefined;

/** As much of the text as fits into so many bytes of UTF-8, without half a character at its end. */
export function truncate(text, bytesMax) {
  const bytes = encoder.encode(text);
  if (bytes.length <= bytesMax) return text;
  let end = bytesMax;
  while ((bytes[end] & 0xc0) === 0x80) end--;
  return decoder.decode(bytes.subarray(0, end));
}

/** A JSON Pointer (RFC 6901) from its steps, which it escapes: for a fault's `at`. */
export const pointer = (steps) => steps.map((step) => `/${pointerStep(step)}`).join("");

/** One step of a JSON Pointer: `~` is `~0` there, and `/` is `~1`. */
export const pointerStep = (step) => String(step).replaceAll("~", "~0").replaceAll("/", "~1");

/** The words of a text, by White_Space. */
export const wordsOf = (text) => (filled(text) === undefined ? [] : trim(text).split(BETWEEN));
