//! Parts of a person's name, by a convention that the caller knows to hold. Which word of a name is what cannot be told from the
//! name: "García Márquez" is a family's name, so is "van der Berg", and Hungarian and Chinese ones come first. Where the vendor
//! says nothing, keep the whole as `name`.
//!
//! ```
//! use snodo_connector::name;
//!
//! let anna = name::family_comma_given("Rossi, dott.ssa Anna Maria").unwrap();
//! assert_eq!((anna.given_name.as_str(), anna.family_name.as_str()), ("Anna Maria", "Rossi"));
//! assert_eq!(anna.salutation.as_deref(), Some("dott.ssa"));
//! assert_eq!(name::last_word_is_family("Madonna"), None);
//! assert_eq!(name::join(["Anna", "", "Rossi"]).as_deref(), Some("Anna Rossi"));
//! ```

use serde::Serialize;

/// As the schemas name the parts of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Name {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub salutation: Option<String>,
    pub given_name: String,
    pub family_name: String,
}

/// Words before a name that are none of it, without their full stop. "M" and "Don" are not among them: some are called so.
const SALUTATIONS: [&str; 31] = [
    "dhr", "dipl-ing", "dott", "dott.ssa", "dr", "dra", "frau", "herr", "madame", "mevr", "miss", "mlle",
    "mme", "monsieur", "mr", "mrs", "ms", "mx", "prof", "prof.ssa", "señor", "señora", "sig", "sig.na",
    "sig.ra", "signor", "signora", "sir", "sr", "sra", "srta",
];

/// "Rossi, Anna": what stands before the comma is the family's. `None` without exactly one comma and something on both sides.
pub fn family_comma_given(text: &str) -> Option<Name> {
    let (family, given) = text.split_once(',')?;
    if given.contains(',') {
        return None;
    }
    let (before, family) = parted(family);
    let (after, given) = parted(given);
    named([before, after].concat(), &given, &family)
}

/// "Anna Maria Rossi": the last word is the family's, all before it is given. `None` for a single word, and with a comma.
pub fn last_word_is_family(text: &str) -> Option<Name> {
    if text.contains(',') {
        return None;
    }
    let (salutation, words) = parted(text);
    let (family, given) = words.split_last()?;
    named(salutation, given, &[*family])
}

/// The parts that say something, with a blank between them.
pub fn join<'a>(parts: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let words: Vec<&str> = parts.into_iter().flat_map(str::split_whitespace).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// The salutation's words, and the rest.
fn parted(text: &str) -> (Vec<&str>, Vec<&str>) {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_salutation = |word: &&&str| {
        let word = word.to_lowercase();
        SALUTATIONS.contains(&word.strip_suffix('.').unwrap_or(&word))
    };
    let (before, after) = words.split_at(words.iter().take_while(is_salutation).count());
    (before.to_vec(), after.to_vec())
}

fn named(salutation: Vec<&str>, given: &[&str], family: &[&str]) -> Option<Name> {
    Some(Name {
        salutation: join(salutation),
        given_name: join(given.iter().copied())?,
        family_name: join(family.iter().copied())?,
    })
}
