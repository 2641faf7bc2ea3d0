// Parts of a person's name, by a convention that the caller knows to hold. Which word of a name is what cannot be told from the
// name: where the vendor says nothing, keep the whole as `name`.

import { wordsOf } from "./text.js";

/** Words before a name that are none of it, without their full stop. "M" and "Don" are not among them: some are called so. */
const SALUTATIONS =
  "dhr dipl-ing dott dott.ssa dr dra frau herr madame mevr miss mlle mme monsieur mr mrs ms mx prof prof.ssa señor señora sig sig.na sig.ra signor signora sir sr sra srta".split(
    " ",
  );

/** "Rossi, Anna": what stands before the comma is the family's. Undefined without exactly one comma and something on both sides. */
export function familyCommaGiven(text) {
  const [family, given, ...more] = String(text).split(",");
  if (given === undefined || more.length > 0) return undefined;
  const [before, own] = parted(family);
  const [after, first] = parted(given);
  return named([...before, ...after], first, own);
}

/** "Anna Maria Rossi": the last word is the family's, all before it is given. Undefined for a single word, and with a comma. */
export function lastWordIsFamily(text) {
  if (String(text).includes(",")) return undefined;
  const [salutation, words] = parted(text);
  return named(salutation, words.slice(0, -1), words.slice(-1));
}

/** The parts that say something, with a blank between them. */
export const join = (parts) => parts.flatMap(wordsOf).join(" ") || undefined;

function parted(text) {
  const words = wordsOf(text);
  const own = words.findIndex((word) => !SALUTATIONS.includes(word.toLowerCase().replace(/\.$/, "")));
  const at = own === -1 ? words.length : own;
  return [words.slice(0, at), words.slice(at)];
}

function named(salutation, given, family) {
  if (given.length === 0 || family.length === 0) return undefined;
  const name = { given_name: given.join(" "), family_name: family.join(" ") };
  return salutation.length === 0 ? name : { salutation: salutation.join(" "), ...name };
}
