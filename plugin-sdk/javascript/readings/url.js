// Parts of addresses, and bodies of HTML forms. What comes from an event must be percent-encoded where it stands in a request's target.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** One segment of a path, percent-encoded (RFC 3986). Undefined for "", "." and "..": a path has no way to say those. */
export function segment(text) {
  const said = typeof text === "number" || typeof text === "bigint" ? String(text) : text;
  if (typeof said !== "string" || said === "" || said === "." || said === "..") return undefined;
  return encoded(said, /[-._~0-9A-Za-z]/, "%20");
}

/** A body of `application/x-www-form-urlencoded`, or a query (URL Standard, 5.2), from pairs. */
export const form = (pairs) =>
  pairs.map(([name, value]) => `${encoded(name, IN_FORM, "+")}=${encoded(value, IN_FORM, "+")}`).join("&");

const IN_FORM = /[*\-._0-9A-Za-z]/;

/** The names and values of such a body or query, bytes or text, in their order (URL Standard, 5.1). */
export function formPairs(body) {
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  return split(bytes, 0x26)
    .filter((part) => part.length > 0)
    .map((part) => {
      const equals = part.indexOf(0x3d);
      const at = equals === -1 ? part.length : equals;
      return [decoded(part.subarray(0, at)), decoded(part.subarray(at + 1))];
    });
}

function encoded(text, plain, blank) {
  let out = "";
  for (const byte of encoder.encode(text)) {
    const letter = String.fromCharCode(byte);
    if (plain.test(letter)) out += letter;
    else out += byte === 0x20 ? blank : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}

function decoded(part) {
  const out = [];
  for (let at = 0; at < part.length; at++) {
    const code = part[at] === 0x25 ? String.fromCharCode(...part.subarray(at + 1, at + 3)) : "";
    if (/^[0-9A-Fa-f]{2}$/.test(code)) {
      out.push(parseInt(code, 16));
      at += 2;
    } else {
      out.push(part[at] === 0x2b ? 0x20 : part[at]);
    }
  }
  return decoder.decode(Uint8Array.from(out));
}

function split(bytes, by) {
  const parts = [];
  let from = 0;
  for (let at = bytes.indexOf(by); at !== -1; at = bytes.indexOf(by, from)) {
    parts.push(bytes.subarray(from, at));
    from = at + 1;
  }
  return [...parts, bytes.subarray(from)];
}
