//! Opens a door to a database: the hub goes through it itself, and reads what is new.

use std::sync::Arc;

use snodo_core::ChannelName;
use snodo_core::declare::channel::SqlInlet;

use super::Doors;
use crate::parts::Run;
use crate::query::Query;
use crate::sender;
use crate::transport::Stamp;
use crate::transport::sql::Database;
use crate::transport::sql::read::SqlIn;

impl Doors<'_> {
    pub(super) fn rows(&self, name: &ChannelName, sql: &SqlInlet) -> anyhow::Result<Run> {
        let login = sender::login(self.configuration, &sql.url, sql.password.as_ref(), sql.tls)?;
        let rows = SqlIn {
            database: Database::new(name.clone(), login, sql.timeout.0),
            query: sql.query.clone(),
            cursor: sql.cursor.clone(),
            start: sql.start.clone(),
            rows_max: sql.rows_max,
            body_bytes_max: self.declarations.hub.limits.body_bytes_max,
        };
        let query = Query {
            channel: name.clone(),
            rows,
            name: sql.name.clone(),
            every: sql.every.0,
            condition: Arc::clone(&self.workshop.condition),
            stamp: Stamp::default(),
        };
        Ok(Box::new(move |stop| Box::pin(query.run(stop))))
    }
}
