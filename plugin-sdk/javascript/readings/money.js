// Amounts without loss: decimal text in its own scale, and the currency it is in. Never a floating-point number.

import { trim } from "./text.js";

/** More digits than any currency has; what is longer is no amount. */
const DIGITS_MAX = 30;

/** Money as the schemas want it. Undefined if the amount or the currency cannot be read as such. */
export const money = (amount, code) => asMoney(decimal(amount), currency(code));

/** From cents, pence, fils: with as many digits as ISO 4217 gives the currency. */
export function moneyFromMinor(units, code) {
  const digits = minorDigits(code);
  return digits === undefined ? undefined : asMoney(fromMinor(units, digits), currency(code));
}

const asMoney = (amount, currency) =>
  amount === undefined || currency === undefined ? undefined : { amount, currency };

/** A decimal number as the schemas want it, `-?digits(.digits)?`, with its own scale: "+3" is "3", ".5" "0.5", "4.20-" "-4.20". */
export function decimal(number) {
  const found = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(-?)$/.exec(textOf(number));
  return found && !(found[1] && found[4]) ? written(found[1] || found[4], found[2], found[3]) : undefined;
}

/** The same where the channel knows that a comma stands before the fraction: "1.234,56" is "1234.56". */
export function decimalComma(number) {
  const found = /^([+-]?)([0-9]*|[0-9]{1,3}(?:[. \xa0\u202f'’][0-9]{3})+)(?:,([0-9]*))?(-?)$/.exec(textOf(number));
  if (!found || (found[1] && found[4])) return undefined;
  return written(found[1] || found[4], found[2].replace(/[^0-9]/g, ""), found[3]);
}

/** Whole units of the last of so many digits, as a decimal number: `fromMinor(1050, 2)` is "10.50". */
export function fromMinor(units, digits) {
  const read = decimal(units);
  if (read === undefined || read.includes(".") || digits > DIGITS_MAX) return undefined;
  const padded = read.replace("-", "").padStart(digits + 1, "0");
  const point = padded.length - digits;
  return written(read[0] === "-" ? "-" : "", padded.slice(0, point), padded.slice(point));
}

/** An ISO 4217 code by its form: three letters, in capitals. */
export function currency(text) {
  const code = trim(text);
  return /^[A-Za-z]{3}$/.test(code) ? code.toUpperCase() : undefined;
}

// ISO 4217, list one: digits that are not two, and what has no minor unit.
const NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" ");
const THREE = "BHD IQD JOD KWD LYD OMR TND".split(" ");
const FOUR = "CLF UYW".split(" ");
const WITHOUT = "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX".split(" ");

/** How many digits of a currency stand behind the point, by ISO 4217. Undefined for metals and the like. */
export function minorDigits(text) {
  const code = currency(text);
  if (code === undefined || WITHOUT.includes(code)) return undefined;
  if (NONE.includes(code)) return 0;
  if (THREE.includes(code)) return 3;
  return FOUR.includes(code) ? 4 : 2;
}

/** The exact sum, in the finer scale of the two. */
export function add(left, right) {
  const [one, other] = [unitsOf(left), unitsOf(right)];
  if (one === undefined || other === undefined) return undefined;
  const scale = Math.max(one.scale, other.scale);
  const at = ({ units, scale: from }) => units * 10n ** BigInt(scale - from);
  return fromMinor(String(at(one) + at(other)), scale);
}

/** The exact difference, in the finer scale of the two. */
export function subtract(left, right) {
  const less = negative(right);
  return less === undefined ? undefined : add(left, less);
}

/** The same number on the other side of zero. */
export function negative(number) {
  const read = decimal(number);
  return read === undefined || read[0] === "-" ? read?.slice(1) : decimal(`-${read}`);
}

/** -1, 0 or 1: less, equal or more. "1.0" and "1" are equal. */
export function compare(left, right) {
  const difference = subtract(left, right);
  if (difference === undefined) return undefined;
  return difference[0] === "-" ? -1 : Number(/[1-9]/.test(difference));
}

const textOf = (number) => (typeof number === "number" || typeof number === "bigint" ? String(number) : trim(number));

function written(sign, whole, fraction = "") {
  const count = whole.length + fraction.length;
  if (count === 0 || count > DIGITS_MAX) return undefined;
  const minus = sign === "-" && /[1-9]/.test(whole + fraction) ? "-" : "";
  return `${minus}${whole || "0"}${fraction && `.${fraction}`}`;
}

function unitsOf(number) {
  const read = decimal(number);
  return read && { units: BigInt(read.replace(".", "")), scale: read.split(".")[1]?.length ?? 0 };
}
