//! The formats of a channel that is a database.

use crate::declare::channel::{DatabaseUrl, DatabaseUrlError, TableName};
use crate::declare::wording;

pub fn of_format(format: &str, text: &str, subject: &str) -> Option<(String, String)> {
    match format {
        "postgres-url" => match text.parse::<DatabaseUrl>() {
            Ok(_) => None,
            Err(DatabaseUrlError::Password) => Some((
                format!("{subject} holds a password"),
                "take it out, and name where it is kept: password = { env = \"DATABASE_PASSWORD\" }"
                    .to_owned(),
            )),
            Err(error @ DatabaseUrlError::Form) => Some((
                format!("{subject} {error}"),
                "write \"postgres://USER@HOST:5432/DATABASE\"; there is a key of its own for everything else"
                    .to_owned(),
            )),
        },
        "table" => {
            let message = format!("{} is not the name of a table", wording::value(&text.into()));
            let remedy = "write \"schema.table\", as they are called in the database, without quotation marks of its own";
            TableName::parse(text).is_none().then(|| (message, remedy.to_owned()))
        }
        _ => None,
    }
}
