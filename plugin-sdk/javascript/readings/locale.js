// Languages and countries by their codes.

import { trim } from "./text.js";

/** ISO 3166-1 alpha-2, as assigned. XK is not: it is what the European Union and most vendors write for Kosovo. */
const COUNTRIES = new Set(
  `
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC
    CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD
    GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH
    KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW
    MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC
    SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY
    UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
  `
    .trim()
    .split(/\s+/),
);

const LETTERS = /^[a-z]+$/i;

/** A language tag in the case that RFC 5646 (2.1.1) recommends: `en_us` is `en-US`. The form is checked, not the registry. */
export function tag(text) {
  const parts = trim(text).split(/[.@]/, 1)[0].split(/[-_]/);
  const [language, ...rest] = parts;
  if (!/^[a-z]{2,3}$/i.test(language) || !rest.every((part) => /^[a-z0-9]{1,8}$/i.test(part))) return undefined;
  // What one letter or digit begins is an extension: `-u-ca-buddhist`, `-x-own`. At the end it begins nothing.
  const extension = parts.findIndex((part) => part.length === 1);
  const end = extension === -1 ? parts.length : extension;
  if (parts.at(-1).length === 1 || !isKnown(parts.slice(1, end))) return undefined;
  return parts
    .map((part, place) => {
      const lower = part.toLowerCase();
      if (place === 0 || place >= end) return lower;
      if (part.length === 2) return part.toUpperCase();
      return part.length === 4 ? lower[0].toUpperCase() + lower.slice(1) : lower;
    })
    .join("-");
}

/** Extended languages, a script, a region, variants: each of them may be missing, and they come in this order. */
function isKnown(parts) {
  let at = 0;
  const take = (fits) => at < parts.length && fits(parts[at]) && ++at > 0;
  while (take((part) => part.length === 3 && LETTERS.test(part)));
  take((part) => part.length === 4 && LETTERS.test(part));
  take((part) => /^([a-z]{2}|[0-9]{3})$/i.test(part));
  while (take((part) => part.length > 4 || /^[0-9]...$/.test(part)));
  return at === parts.length;
}

/** The first choice of an `Accept-Language` (RFC 9110, 12.5.4): the highest weight, of equal ones the first. `*` is no language. */
export function acceptLanguage(text) {
  let [first, most] = [undefined, 0];
  for (const range of trim(text).split(",")) {
    const at = range.indexOf(";");
    const found = tag(at === -1 ? range : range.slice(0, at));
    const weight = at === -1 ? 1000 : weightOf(trim(range.slice(at + 1)));
    if (found !== undefined && weight > most) [first, most] = [found, weight];
  }
  return first;
}

/** `q=0.8`, in thousandths. */
function weightOf(text) {
  if (text === "") return 1000;
  const [, whole, fraction = ""] = /^q\s*=\s*([01])(?:\.([0-9]{0,3}))?$/i.exec(text) ?? [];
  const weight = Number(`${whole}${fraction.padEnd(3, "0")}`);
  return weight <= 1000 ? weight : 0;
}

/** An ISO 3166-1 alpha-2 code that is assigned, in capitals; also `XK`. */
export function country(text) {
  const code = trim(text);
  return /^[A-Za-z]{2}$/.test(code) && COUNTRIES.has(code.toUpperCase()) ? code.toUpperCase() : undefined;
}
