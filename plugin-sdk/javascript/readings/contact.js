// Addresses and numbers that a customer can be reached by, in the form in which two systems' spellings of one are equal.

import { WHITE, trim } from "./text.js";

/** Italy with the Vatican, San Marino, Ivory Coast, Benin, Congo: national numbers keep their leading zero abroad. */
const KEEPS_ZERO = ["39", "378", "225", "229", "242"];

// White_Space, and the characters of Cc.
const NOT_IN_ADDRESS = new RegExp(`[${WHITE}\0-\x1f\x7f-\x9f,;<>()]`);

/** An address in lower case: a local part, one `@`, and a domain with a dot (RFC 5321), no more is checked. */
export function email(text) {
  const address = trim(text).toLowerCase();
  const [local, domain, ...more] = address.split("@");
  const sound = more.length === 0 && [local, ...(domain ?? "").split(".")].every((part) => part !== "");
  return sound && domain.includes(".") && !NOT_IN_ADDRESS.test(address) ? address : undefined;
}

/** A number in E.164. It must have its country code: without one nobody can tell whose it is. */
export const phone = (text) => e164(plain(text));

/** The same for numbers that may be written as their own country dials them: `callingCode` is that country's, such as "39". */
export function phoneIn(text, callingCode) {
  const number = plain(text);
  const code = trim(callingCode).replace(/^\++/, "");
  if (number.startsWith("+")) return e164(number);
  if (number.startsWith("00")) {
    const dials00 = /^[34]/.test(code) && code !== "375";
    return dials00 ? e164(`+${number.slice(2)}`) : undefined;
  }
  const national = number.startsWith("0") && !KEEPS_ZERO.includes(code) ? number.slice(1) : number;
  return code === "" || national === "" ? undefined : e164(`+${code}${national}`);
}

/** Without what makes a number readable. "(0)" is dialled at home only. */
const plain = (text) =>
  trim(trim(text).replace(/^tel:/, ""))
    .replace("(0)", "")
    .replace(/[ \-.()/]/g, "");

const e164 = (number) => (/^\+[1-9][0-9]{6,14}$/.test(number) ? number : undefined);
