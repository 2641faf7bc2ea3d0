//! `snodo promote`: moves the store of one machine into the home on several nodes that `hub.toml` declares by now.

use anyhow::{Context as _, bail};
use serde_json::json;
use snodo_cluster::Promoted;
use snodo_core::declare::Home;
use snodo_store::{Options, Store};

use super::{Exit, Invocation, run, screen};
use crate::transport::http_out::install_tls;
use crate::{configuration, home};

/// Nothing runs on either while this does: the store is locked, and the home is refused if there is something in it.
pub fn promote(invocation: &Invocation) -> anyhow::Result<Exit> {
    let folder = &invocation.config;
    let (Home::Cluster(declared), company) = home::declared(folder)? else {
        bail!("hub.toml declares a home of kind \"local\": declare the one to move to in [home] first");
    };
    let data = configuration::data_folder(folder)?;
    if let Some(reason) = home::promoted(&data) {
        bail!(reason);
    }
    // It would make an empty one.
    drop(Store::open_read_only(&data).context("there is nothing to move")?);
    install_tls();
    let options = home::options(folder, &declared, &company)?;
    let store = Store::open(&data, Options::default())?;
    let moved = run::runtime()?.block_on(async {
        let moved = snodo_cluster::promote(&store, &options).await?;
        home::mark_promoted(&data, &options.name)?;
        anyhow::Ok(moved)
    });
    store.close_blocking();
    let Promoted { rows, balance } = moved?;
    if invocation.json {
        let rows: serde_json::Map<_, _> =
            rows.into_iter().map(|(table, count)| (table.to_owned(), json!(count))).collect();
        screen::json(&json!({"home": options.name, "rows": rows, "balance": balance.tally}))?;
        return Ok(Exit::Fine);
    }
    let mut table = screen::Table::new(&["table", "rows"]);
    rows.iter().for_each(|(name, count)| table.row([(*name).to_owned(), count.to_string()]));
    table.print()?;
    screen::line(format!(
        "\nMoved into the home {}: {} messages, {} deliveries in flight. The ledgers agree. {} is not used any more.",
        options.name,
        balance.messages.accepted,
        balance.in_flight,
        data.display()
    ))?;
    Ok(Exit::Fine)
}
