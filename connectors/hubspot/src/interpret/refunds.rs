//! Takes refunds off the deals they belong to, each one once: a deal remembers the ids of the refunds it has had.

use snodo_connector::{Fault, Outcome, Plan, money};

use crate::config::Config;
use crate::map::{Stage, is_positive};
use crate::steps::{self, Input, Item, Step};
use crate::wire::{self, Answered, Record, Update};

/// Between the ids in the property that remembers them.
const BETWEEN: char = ';';

/// From what the deals are worth now to what they are worth then.
pub fn plan(config: &Config, mut items: Vec<Item>, inputs: &[Input], answered: &Answered, plan: &mut Plan) {
    let mut updates = Vec::new();
    let mut changed = vec![false; items.len()];
    let mut failed = vec![false; items.len()];
    for input in inputs {
        let found =
            answered.results.iter().find(|record| record.property(wire::key(config)) == Some(&input.id));
        match found.ok_or_else(no_deal).and_then(|deal| settle_up(config, &mut items, input, deal)) {
            Ok(None) => {}
            Ok(Some(update)) => {
                for &at in &input.items {
                    changed[at] = !items[at].progress.refunded_before;
                }
                updates.push(update);
            }
            Err(fault) => {
                for &at in &input.items {
                    failed[at] = true;
                    plan.settle(items[at].place, Outcome::Failed(fault.clone()));
                }
            }
        }
    }
    let (mut writing, mut rest) = (Vec::new(), Vec::new());
    for (at, item) in items.into_iter().enumerate() {
        match (changed[at], failed[at]) {
            (true, _) => writing.push(item),
            (false, false) => rest.push(item),
            (false, true) => {}
        }
    }
    if !writing.is_empty() {
        steps::push(Step::Refunds, &writing, wire::updates(config, &updates), plan);
    }
    steps::advance(config, rest, Some(Step::Refunds), plan);
}

/// The order may still be on its way, on another attempt.
fn no_deal() -> Fault {
    Fault::retry("HubSpot has no deal for the refund's order yet")
}

/// `None` if the deal has had all of these refunds.
fn settle_up(
    config: &Config,
    items: &mut [Item],
    input: &Input,
    deal: &Record,
) -> Result<Option<Update>, Fault> {
    let (Some(amount_property), Some(refunds_property)) =
        (config.deal_property("amount"), config.deal_property("refunds"))
    else {
        return Err(Fault::misconfigured(
            "a refund needs deal_properties.amount and deal_properties.refunds",
        ));
    };
    let id = deal.id.clone().ok_or_else(no_deal)?;
    let mut had: Vec<String> = deal
        .property(refunds_property)
        .unwrap_or_default()
        .split(BETWEEN)
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
        .collect();
    let mut amount = deal
        .property(amount_property)
        .and_then(money::decimal)
        .ok_or_else(|| Fault::permanent("the refund's deal has no amount to take it off"))?;
    let before = had.len();
    for &at in &input.items {
        let item = &mut items[at];
        item.progress.deal = Some(id.clone());
        let Some(refund) = &item.work.refund else { continue };
        if let Some(at) = had.iter().position(|id| *id == refund.id) {
            // The same refund twice in one batch is one refund too, but neither is settled before it is written.
            item.progress.refunded_before = at < before;
            continue;
        }
        amount = money::subtract(&amount, &refund.amount)
            .ok_or_else(|| Fault::permanent("the refund's amount is out of all bounds"))?;
        had.push(refund.id.clone());
    }
    if had.len() == before {
        return Ok(None);
    }
    let mut properties = vec![
        (amount_property.to_owned(), amount.clone()),
        (refunds_property.to_owned(), had.join(&BETWEEN.to_string())),
    ];
    if !is_positive(&amount) {
        properties.push(("dealstage".into(), Stage::Refunded.id(&config.stages).into()));
    }
    Ok(Some(Update { deal: id, properties }))
}
