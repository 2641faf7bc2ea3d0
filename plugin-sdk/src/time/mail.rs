//! Dates of mail and of HTTP: RFC 5322, which took the place of RFC 2822, with what older senders write (its section 4.3).

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Zones that have had letters since RFC 822. Others are no zones: "CST" is also China's, so only these few may be read.
const ZONES: [(&str, &str); 9] = [
    ("UT", "Z"),
    ("EST", "-05:00"),
    ("EDT", "-04:00"),
    ("CST", "-06:00"),
    ("CDT", "-05:00"),
    ("MST", "-07:00"),
    ("MDT", "-06:00"),
    ("PST", "-08:00"),
    ("PDT", "-07:00"),
];

/// `Sun, 1 Mar 2026 09:30:00 +0100` as RFC 3339. The day of the week may be missing, and is not compared. `-0000` is UTC: it says
/// that the sender's own zone is not known.
pub fn rfc2822(text: &str) -> Option<String> {
    let date = text.split_once(',').map_or(text, |(_, date)| date);
    // A comment: "+0200 (CEST)".
    let date = date.split_once('(').map_or(date, |(date, _)| date);
    let parts: Vec<&str> = date.split_whitespace().collect();
    let [day, month, year, clock, zone] = parts[..] else { return None };
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))? + 1;
    if !year.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let year = match (year.len(), year.parse::<u32>().ok()?) {
        (2, year @ ..50) => year + 2_000,
        (2, year) => year + 1_900,
        (4, year) => year,
        _ => return None,
    };
    let known = ZONES.iter().find(|(name, _)| name.eq_ignore_ascii_case(zone));
    let zone = known.map_or(zone, |(_, offset)| offset);
    let zone = if zone == "-0000" { "Z" } else { zone };
    super::rfc3339(&format!("{year:04}-{month:02}-{day:0>2}T{clock}{zone}"))
}
