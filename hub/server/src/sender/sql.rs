//! The way out into a database, with its password.

use snodo_core::ChannelName;
use snodo_core::declare::channel::{DatabaseUrl, SqlOutlet, SqlTls, TableName};
use snodo_core::secret::SecretRef;

use crate::configuration::Configuration;
use crate::transport::secrets;
use crate::transport::sql::Database;
use crate::transport::sql::connect::Login;
use crate::transport::sql::write::SqlOut;

/// The database of a channel, with its password.
pub fn login(
    configuration: &Configuration,
    url: &DatabaseUrl,
    password: Option<&SecretRef>,
    tls: SqlTls,
) -> anyhow::Result<Login> {
    let password = password.map(|at| secrets::resolve(at, &configuration.folder)).transpose()?;
    Ok(Login::new(url.clone(), password, tls)?)
}

pub fn rows_out(
    configuration: &Configuration,
    channel: &ChannelName,
    outlet: &SqlOutlet,
) -> anyhow::Result<SqlOut> {
    let login = login(configuration, &outlet.url, outlet.password.as_ref(), outlet.tls)?;
    let tables = outlet.tables.iter().filter_map(|name| TableName::parse(name)).collect();
    Ok(SqlOut::new(Database::new(channel.clone(), login, outlet.timeout.0), tables))
}
