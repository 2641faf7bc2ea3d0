// Moments as RFC 3339, read from what vendors write. The zone that was sent is kept. Nothing here knows zones by name.

import { trim, wordsOf } from "./text.js";

const MOMENT =
  /^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?([^0-9.,:][^]*)?$/;

/** RFC 3339 has no more than nanoseconds that anybody reads. */
const FRACTION_MAX = 9;

/** A moment with its offset, also with a blank for the `T`, without seconds, and with `+0100`, `+01`, `UTC` or `GMT`. */
export const rfc3339 = (text) => written(read(text));

/** The same for times that may lack their offset: those have the one given, `Z` or `+01:00`. */
export const local = (text, offsetElse) => written(read(text, offsetElse));

/** A day, `2026-03-01`, from a day or a moment: as it was called where it was. */
export function day(text) {
  const found = trim(text);
  const [date, rest] = [found.slice(0, 10), found.slice(10)];
  const plain = rest === "" || /^[Tt ]/.test(rest) || offset(rest) !== undefined;
  return isDate(date) && plain ? date : undefined;
}

/** `Z` or `+01:00`, from those, `z`, `UTC`, `GMT`, `+0100` and `+01`. */
export function offset(text) {
  if (/^(Z|UTC|GMT)$/i.test(text)) return "Z";
  const [, sign, hours, minutes = "00"] = /^([+-])([0-9]{2})(?::?([0-9]{2}))?$/.exec(text) ?? [];
  return hours <= "23" && minutes <= "59" ? `${sign}${hours}:${minutes}` : undefined;
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** Zones that have had letters since RFC 822. */
const ZONES = {
  UT: "Z",
  EST: "-05:00",
  EDT: "-04:00",
  CST: "-06:00",
  CDT: "-05:00",
  MST: "-07:00",
  MDT: "-06:00",
  PST: "-08:00",
  PDT: "-07:00",
  "-0000": "Z",
};

/** A date of mail or HTTP, `Sun, 1 Mar 2026 09:30:00 +0100`, as RFC 3339 (RFC 5322 with its section 4.3). */
export function rfc2822(text) {
  const comma = trim(text).indexOf(",");
  const words = wordsOf(trim(text).slice(comma + 1).split("(", 1)[0]);
  if (words.length !== 5) return undefined;
  const [day, name, year, clock, zone] = words;
  const month = MONTHS.indexOf(name.toLowerCase()) + 1;
  if (month === 0 || !/^([0-9]{2}|[0-9]{4})$/.test(year)) return undefined;
  const whole = year.length === 4 ? year : `${year < "50" ? "20" : "19"}${year}`;
  const date = `${whole}-${String(month).padStart(2, "0")}-${day.padStart(2, "0")}`;
  return rfc3339(`${date}T${clock}${ZONES[zone.toUpperCase()] ?? zone}`);
}

/** A moment in UTC, from seconds since 1970, a number or text; with their fraction, if they have one. */
export const fromEpochSeconds = (seconds) => utc(nanos(seconds, 1_000_000_000n));

/** The same from milliseconds. */
export const fromEpochMillis = (millis) => utc(nanos(millis, 1_000_000n));

/** A moment in UTC, so many milliseconds after `ctx.now`, or before it if they are negative. */
export const fromNow = (now, plusMs) => utc((BigInt(now) + BigInt(Math.trunc(plusMs))) * 1_000_000n);

/** Milliseconds since 1970, from what `rfc3339` reads. What is finer is cut off. */
export const epochMillis = (text) => epoch(read(text), 3);

/** Microseconds since 1970. A number holds them exactly up to the year 2255. */
export const epochMicros = (text) => epoch(read(text), 6);

function read(text, offsetElse) {
  const [, date, clock, seconds = "00", fraction = "", zone = ""] = MOMENT.exec(trim(text)) ?? [];
  if (date === undefined || !isDate(date) || clock.slice(0, 2) > "23" || clock.slice(3) > "59" || seconds > "59") {
    return undefined;
  }
  const found = offset(trim(zone) || offsetElse || "");
  return found && { date, clock, seconds, fraction: fraction.slice(0, FRACTION_MAX), offset: found };
}

const written = (moment) =>
  moment &&
  `${moment.date}T${moment.clock}:${moment.seconds}${moment.fraction && `.${moment.fraction}`}${moment.offset}`;

function epoch(moment, places) {
  if (moment === undefined) return undefined;
  const { date, clock, seconds, fraction, offset } = moment;
  const ahead = offset === "Z" ? 0 : minutes(offset.slice(1)) * (offset[0] === "-" ? -1 : 1);
  const whole = days(...date.split("-").map(Number)) * 86_400 + (minutes(clock) - ahead) * 60 + Number(seconds);
  return whole * 10 ** places + Number(fraction.slice(0, places).padEnd(places, "0"));
}

const minutes = (clock) => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));

/** A decimal number of units, in nanoseconds. More than 15 digits before the point are no time that anybody means. */
function nanos(number, unit) {
  const text = typeof number === "string" ? trim(number) : String(number);
  const [, sign, whole, digits = "0"] = /^(-?)([0-9]{1,15})(?:\.([0-9]+))?$/.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const fraction = digits.slice(0, FRACTION_MAX);
  const found = BigInt(whole) * unit + (BigInt(fraction) * unit) / 10n ** BigInt(fraction.length);
  return sign ? -found : found;
}

/** With as few digits of a second as hold it: none, three, six or nine. Undefined outside of the years 1 to 9999. */
function utc(nanos) {
  if (nanos === undefined) return undefined;
  const rest = ((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const seconds = Number((nanos - rest) / 1_000_000_000n);
  const digits = String(rest).padStart(9, "0").replace(/(000)+$/, "");
  const since = Math.floor(seconds / 86_400);
  const [year, month, day] = civil(since);
  if (year < 1 || year > 9999) return undefined;
  const ofDay = seconds - since * 86_400;
  const clock = [Math.floor(ofDay / 3600), Math.floor(ofDay / 60) % 60, ofDay % 60].map(two).join(":");
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}T${clock}${digits && `.${digits}`}Z`;
}

const two = (number) => String(number).padStart(2, "0");

// The Gregorian calendar. Years begin in March here, so that a leap day comes last.

function isDate(text) {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text)) return false;
  const [year, month, day] = text.split("-").map(Number);
  const length = days(year + Math.floor(month / 12), (month % 12) + 1, 1) - days(year, month, 1);
  return year > 0 && month >= 1 && month <= 12 && day >= 1 && day <= length;
}

/** Days from 1970-01-01 to that day. */
function days(year, month, day) {
  const [from, since] = month > 2 ? [year, month - 3] : [year - 1, month + 9];
  const before = from * 365 + Math.floor(from / 4) - Math.floor(from / 100) + Math.floor(from / 400);
  return before + Math.floor((153 * since + 2) / 5) + day - 1 - 719_468;
}

/** The year, month and day that comes so many days after 1970-01-01. */
function civil(since) {
  const all = since + 719_468;
  const era = Math.floor(all / 146_097);
  const ofEra = all - era * 146_097;
  const leaps = Math.floor(ofEra / 1_460) - Math.floor(ofEra / 36_524) + Math.floor(ofEra / 146_096);
  const year = Math.floor((ofEra - leaps) / 365);
  const ofYear = ofEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const month = Math.floor((5 * ofYear + 2) / 153);
  const day = ofYear - Math.floor((153 * month + 2) / 5) + 1;
  return [year + era * 400 + (month < 10 ? 0 : 1), month < 10 ? month + 3 : month - 9, day];
}
