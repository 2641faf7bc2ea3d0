//! Mailchimp in both directions: webhooks of an audience in, members of an audience out.
//! <https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/> and
//! <https://mailchimp.com/developer/marketing/api/list-members/>.

mod answer;
mod config;
mod form;
mod map;
mod member;
mod steps;

use snodo_connector::{
    Context, Delivery, Destination, Draft, Exchange, Fault, Message, Outcome, Plan, Source,
};

use crate::config::{Audience, Config};

pub struct Mailchimp;

impl Source for Mailchimp {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        if !message.body.contains(&b'=') {
            return Err(Fault::permanent("expected the fields of a form"));
        }
        Ok(vec![map::draft(form::read(&message.body), &config)])
    }
}

impl Destination for Mailchimp {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        Plan::one_by_one(audience(ctx), &deliveries, |audience, delivery| {
            let work = member::work(&delivery.event, &audience.config)?;
            Ok::<_, Outcome>(steps::first(audience, &work))
        })
    }

    fn interpret(ctx: &Context, exchange: Exchange) -> Plan {
        Plan::one_by_one(audience(ctx), &exchange.deliveries, |audience, delivery| {
            let work = member::work(&delivery.event, &audience.config)?;
            Ok::<_, Outcome>(steps::next(audience, &work, &exchange))
        })
    }
}

fn audience(ctx: &Context) -> Result<Audience, Fault> {
    ctx.config::<Config>()?.audience()
}

snodo_connector::export!(Mailchimp: source, destination);
