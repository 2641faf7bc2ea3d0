// Bytes as text: hexadecimal and Base64.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Two digits of either case for each byte. */
export function fromHex(text) {
  if (typeof text !== "string" || !/^([0-9A-Fa-f]{2})*$/.test(text)) return undefined;
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** In lower case. */
export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Base64 or Base64url (RFC 4648), with its padding or without any. Undefined for anything else, left-over bits included. */
export function fromBase64(text) {
  const [, digits, padding] = (typeof text === "string" && /^([0-9A-Za-z+/_-]*)(={0,2})$/.exec(text)) || [];
  if (digits === undefined || (padding && text.length % 4 !== 0)) return undefined;
  const bytes = [];
  let [bits, held] = [0, 0];
  for (const digit of digits.replaceAll("-", "+").replaceAll("_", "/")) {
    bits = ((bits << 6) | ALPHABET.indexOf(digit)) & 0xffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes.push((bits >> held) & 0xff);
    }
  }
  // Six bits that are left are a digit too many; two or four must say nothing.
  return held < 6 && (bits & ((1 << held) - 1)) === 0 ? Uint8Array.from(bytes) : undefined;
}

/** Base64 with its padding. */
export function toBase64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const bits = (bytes[at] << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    for (let place = 0; place < 4; place++) {
      text += at + place <= bytes.length ? ALPHABET[(bits >> (18 - 6 * place)) & 63] : "=";
    }
  }
  return text;
}
